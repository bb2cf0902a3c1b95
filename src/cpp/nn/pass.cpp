#include "nn/pass.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/elementwise/args.h"
#include "kernels/reduce/args.h"

namespace fastopt {

namespace {

template <class T>
Rows<const T> reading(const Rows<T>& rows) {
  return {rows.data, rows.stride};
}

// Does what stages say, for one rank.
template <class T>
class Runner {
 public:
  using Action = Run::Action;
  explicit Runner(const Pass<T>& pass) : p_(pass), arena_(pass.memory.arena()) {}

  void rows(const Stage& stage, Range rows) {
    for (const Run& run : stage.runs) {
      one(run, rows);
    }
  }

  // With all rows of the batch, of which phases over columns or parameters take this rank's share.
  void phase(const Team& team, const Run& run, Range rows, Sink<T>* sink) {
    const Phases<T>& phases = p_.plan.node(run.node).phases(p_.memory.mode());
    const std::vector<Phase<T>>& list = run.action == Action::forward    ? phases.forward
                                        : run.action == Action::backward ? phases.backward
                                                                         : phases.gradient;
    list[run.phase].run(view(run.node, rows, sink), team);
  }

 private:
  std::size_t at(Index node) const { return static_cast<std::size_t>(node); }
  const Wire& wire(Index node) const { return p_.memory.wiring()[node]; }

  void one(const Run& run, Range rows) {
    switch (run.action) {
      case Action::load:
        load(at(run.node), rows);
        break;
      case Action::ends:
        ends(rows);
        break;
      case Action::activate:
        split(run.node, rows);
        break;
      case Action::penalize:
        measure_values(p_.plan, p_.memory, p_.objective, rows);
        break;
      case Action::sum:
        sum(run.node, rows);
        break;
      case Action::activity: {
        const auto& level = arena_.levels[at(run.node)];
        differentiate_values(p_.plan.node(run.node), level.y.from(rows.begin), level.dy.from(rows.begin),
                             level.spare.from(rows.begin), rows.size(), 1 / static_cast<double>(p_.over()));
        break;
      }
      default:
        phase(Team(0, 1, nullptr), run, rows, nullptr);
    }
  }

  bool in_place(std::size_t input) const { return !p_.x.empty() && !p_.copies && readable_in_place<T>(p_.x[input]); }
  void load(std::size_t input, Range rows) {
    if (!in_place(input)) {
      copy_rows(p_.x[input], p_.batch, rows, arena_.x[input]);
    }
  }

  // The values of a node that computes, or of an input, and their gradient before the node's activation.
  Rows<const T> values(Index node, Index first) const {
    const std::size_t i = at(node);
    if (node >= p_.plan.inputs) {
      return reading(arena_.levels[i].y.from(first));
    }
    return in_place(i) ? rows_in_place<T>(p_.x[i], p_.batch, {first, first}) : reading(arena_.x[i].from(first));
  }
  Rows<T> gradient(Index node, Index first) const {
    if (node >= p_.plan.inputs) {
      return arena_.levels[at(node)].dy.from(first);
    }
    return p_.dx.empty() ? Rows<T>{} : Rows<T>{p_.dx[at(node)], p_.plan.columns(node), nullptr}.from(first);
  }

  // Of the nodes that have more.
  static In<T>* many(std::size_t count) {
    thread_local std::vector<In<T>> room;
    room.resize(std::max(room.size(), count));
    return room.data();
  }

  View<T> view(Index node, Range rows, Sink<T>* sink) {
    const Node<T>& n = p_.plan.node(node);
    const auto& level = arena_.levels[at(node)];
    In<T>* const in = n.inputs.size() <= few_.size() ? few_.data() : many(n.inputs.size());
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      const Index source = wire(node).sources[i];
      in[i] = {values(source, rows.begin), {}, p_.plan.columns(source), linear};
      if (p_.task.gradients && p_.schedule.needs[at(source)]) {
        if (level.branches[i].data) {
          in[i].dx = level.branches[i].from(rows.begin);
        } else {
          in[i].dx = gradient(source, rows.begin);
          in[i].activation = p_.plan.node(source).activation;
        }
      }
    }
    return {.rows = rows.size(),
            .batch = p_.batch.rows,
            .draw = {p_.plan.seed ^ (0x9E3779B97F4A7C15U * static_cast<std::uint64_t>(node - p_.plan.inputs + 1)),
                     (std::uint64_t{1} << 62U) + (static_cast<std::uint64_t>(p_.draws) << 24U) +
                         static_cast<std::uint64_t>(rows.begin)},
            .tensors = {&p_.plan.tensors(node), p_.parameters, p_.state},
            .workspace = level.workspace,
            .in = {in, n.inputs.size()},
            .out = {level.y.from(rows.begin), reading(level.dy.from(rows.begin)), level.saved.from(rows.begin),
                    n.layer.outputs, logits(node) ? linear : n.activation},
            .sink = sink};
  }

  // Whether a loss takes the values of a node before their activation.
  bool logits(Index node) const {
    for (std::size_t i = 0; p_.task.ends == Task::Ends::objective && i < p_.plan.outputs.size(); ++i) {
      if (p_.memory.wiring().outputs[i] == node) {
        return p_.objective->goals[i].logits;
      }
    }
    return false;
  }

  void ends(Range rows) {
    if (p_.task.ends == Task::Ends::objective) {
      judge(p_.plan, p_.memory, *p_.objective, p_.batch, rows, p_.task.gradients, p_.over());
      return;
    }
    for (std::size_t i = 0; i < p_.plan.outputs.size(); ++i) {
      const Index source = p_.memory.wiring().outputs[i], columns = p_.plan.columns(source);
      const Rows<T> y = arena_.levels[at(source)].y.from(rows.begin);
      if (p_.task.ends == Task::Ends::outputs) {
        for (Index row = 0; row < rows.size(); ++row) {
          std::copy_n(y.row(row), columns, p_.outputs[i] + (p_.batch.first + rows.begin + row) * columns);
        }
        continue;
      }
      const Rows<const T> given = Rows<const T>{p_.dy[i], columns}.from(rows.begin);
      if (const Rows<T> branch = arena_.outputs[i].branch; branch.data) {
        for (Index row = 0; row < rows.size(); ++row) {
          std::copy_n(given.row(row), columns, branch.row(rows.begin + row));
        }
      } else {
        activation_kernel<T>(p_.plan.node(source).activation)
            .differentiate(reading(y), given, arena_.levels[at(source)].dy.from(rows.begin), rows.size(), columns);
      }
    }
  }

  // Keeps values for the losses that take them as they are, and activates them for all else.
  void split(Index node, Range rows) {
    const Rows<T> y = arena_.levels[at(node)].y.from(rows.begin);
    const Index columns = p_.plan.columns(node);
    for (const Wire::Use& use : wire(node).uses) {
      for (Index i = 0; takes_logits(use) && i < rows.size(); ++i) {
        std::copy_n(y.row(i), columns, arena_.outputs[use.input].other.row(rows.begin + i));
      }
    }
    activation_kernel<T>(p_.plan.node(node).activation).activate(reading(y), y, rows.size(), columns);
  }

  bool takes_logits(const Wire::Use& use) const {
    return use.node < 0 && p_.task.ends == Task::Ends::objective && p_.objective->goals[use.input].logits;
  }

  // dy <- (the sum over the uses of f(z)) f'(z) + the sum over those of z
  void sum(Index node, Range rows) {
    const Rows<T> dy = gradient(node, rows.begin);
    const Index columns = p_.plan.columns(node);
    const auto branch = [&](const Wire::Use& use) {
      return (use.node < 0 ? arena_.outputs[use.input].branch : arena_.levels[at(use.node)].branches[use.input])
          .from(rows.begin);
    };
    Rows<T> total{};
    const auto add = [&](bool logits) {
      for (const Wire::Use& use : wire(node).uses) {
        if (takes_logits(use) != logits) {
          continue;
        }
        const Rows<T> part = branch(use);
        for (Index i = 0; total.data && i < rows.size(); ++i) {
          kernels<T>().elementwise.add(total.row(i), part.row(i), dy.row(i), columns);
        }
        total = total.data ? dy : part;
      }
    };
    add(false);
    if (const int activation = p_.plan.node(node).activation; activation != linear && total.data) {
      activation_kernel<T>(activation)
          .differentiate(values(node, rows.begin), reading(total), dy, rows.size(), columns);
      total = dy;
    }
    add(true);
  }

  const Pass<T>& p_;
  Arena<T>& arena_;
  std::array<In<T>, 4> few_;
};

// work(slab) for rows of this rank, slab by slab, until the poll asks to stop: rank 0 looks after each slab.
template <class T>
void run_slabs(const Team& team, const Pass<T>& pass, Runner<T>& runner, const Stage& stage, Range rows) {
  const Index size = pass.memory.slab_rows(), slabs = (rows.size() + size - 1) / size;
  for (Index i = 0; i < slabs && !pass.watch.stopped(); ++i) {
    const Range slab{rows.begin + rows.size() * i / slabs, rows.begin + rows.size() * (i + 1) / slabs};
    runner.rows(stage, slab);
    if (team.rank() == 0) {
      pass.watch.look(stage.cost * static_cast<double>(slab.size()), pass.done);
    }
  }
}

// The gradient of tensors that several nodes use: those of the others are added to the owner's, part by part.
template <class T>
class SharedSink final : public Sink<T> {
 public:
  SharedSink(const Pass<T>& pass, Index node, Sink<T>& next)
      : Sink<T>(pass.plan.node(node).owner == node
                    ? next.gradients()
                    : pass.memory.arena().levels[static_cast<std::size_t>(node)].gradients),
        pass_(pass),
        node_(node),
        next_(next) {}

  void take(const Team& team, Range part) override {
    if (pass_.plan.node(node_).owner != node_) {
      return;  // waits for the owner's
    }
    for (std::size_t i = 0; i < pass_.plan.nodes.size(); ++i) {
      if (pass_.plan.nodes[i].owner == node_ && static_cast<Index>(i) != node_) {
        kernels<T>().update.add(pass_.memory.arena().levels[i].gradients + part.begin, this->gradients() + part.begin,
                                part.size());
      }
    }
    next_.take(team, part);
  }
  bool stopped() const override { return next_.stopped(); }

 private:
  const Pass<T>& pass_;
  Index node_;
  Sink<T>& next_;
};

}  // namespace

template <class T>
void prepare(const Team& team, const Pass<T>& pass) {
  Runner<T> runner(pass);
  for (std::size_t i = 0; i < pass.schedule.prepare.size(); ++i) {
    if (i > 0) {
      team.barrier();
    }
    for (const Run& run : pass.schedule.prepare[i].runs) {
      runner.phase(team, run, {0, 0}, nullptr);
    }
  }
}

template <class T>
void run(const Team& team, const Pass<T>& pass) {
  Runner<T> runner(pass);
  for (std::size_t i = 0; i < pass.schedule.pass.size(); ++i) {
    if (i > 0) {
      team.barrier();
    }
    const Stage& stage = pass.schedule.pass[i];
    if (stage.over == Over::rows) {
      run_slabs(team, pass, runner, stage, team.split(pass.batch.rows));
      continue;
    }
    if (stage.over == Over::once) {
      if (team.rank() == 0 && !pass.watch.stopped()) {
        pass.watch.ask(
            [&] { return ask(pass.plan, pass.memory, *pass.objective, pass.batch, pass.task.gradients, pass.over()); });
      }
      continue;
    }
    for (const Run& one : stage.runs) {
      runner.phase(team, one, {0, pass.batch.rows}, nullptr);
    }
  }
}

template <class T>
void run_rows(const Team& team, const Pass<T>& pass, Range rows) {
  Runner<T> runner(pass);
  run_slabs(team, pass, runner, pass.schedule.pass.front(), rows);
}

template <class T>
void differentiate(const Team& team, const Pass<T>& pass, Sink<T>& sink) {
  Runner<T> runner(pass);
  PenalizedSink<T> penalized(pass.plan, pass.parameters, sink);
  Sink<T>& whole = pass.memory.penalties.empty() ? sink : static_cast<Sink<T>&>(penalized);
  for (std::size_t i = 0; i < pass.schedule.gradient.size(); ++i) {
    if (i > 0) {
      team.barrier();
    }
    for (const Run& run : pass.schedule.gradient[i].runs) {
      if (sink.stopped()) {
        break;
      }
      if (pass.plan.node(run.node).shares) {
        SharedSink<T> shared(pass, run.node, whole);
        runner.phase(team, run, {0, pass.batch.rows}, &shared);
      } else {
        runner.phase(team, run, {0, pass.batch.rows}, &whole);
      }
    }
  }
}

template <class T>
double penalty(const Pass<T>& pass) {
  const std::vector<double>& parts = pass.memory.penalties;
  const double parameters = std::accumulate(parts.begin(), parts.end(), 0.0);
  const T* const values = pass.memory.arena().penalty;
  const Index rows = pass.batch.rows;
  return static_cast<double>(rows) * parameters + (values ? kernels<T>().reduce.sum(values, rows) : 0);
}

template void prepare(const Team&, const Pass<float>&);
template void prepare(const Team&, const Pass<double>&);
template void run(const Team&, const Pass<float>&);
template void run(const Team&, const Pass<double>&);
template void run_rows(const Team&, const Pass<float>&, Range);
template void run_rows(const Team&, const Pass<double>&, Range);
template void differentiate(const Team&, const Pass<float>&, Sink<float>&);
template void differentiate(const Team&, const Pass<double>&, Sink<double>&);
template double penalty(const Pass<float>&);
template double penalty(const Pass<double>&);

}  // namespace fastopt
