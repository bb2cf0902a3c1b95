#include "nn/pass.h"

#include <algorithm>
#include <numeric>

#include "kernels/reduce/args.h"
#include "nn/shared_sink.h"

namespace fastopt {

template <class T>
Runner<T>::Runner(const Team& team, const Pass<T>& pass, bool keeps)
    : team_(team), p_(pass), arena_(pass.memory.arena()) {
  Index needed = 0;
  for (const Augment<T>& one : p_.augment) {
    needed = std::max(needed, one.how ? one.how->memory() : 0);
  }
  memory_ = Buffer<T>(needed);
  if (!keeps) {
    return;
  }
  places_.resize(p_.plan.nodes.size() - at(p_.plan.inputs));
  for (Index i = p_.plan.inputs; i < static_cast<Index>(p_.plan.nodes.size()); ++i) {
    if (wire(i).computes) {
      set_up(i, places_[at(i - p_.plan.inputs)]);
    }
  }
}

template <class T>
void Runner<T>::prepare() {
  for (std::size_t i = 0; i < p_.schedule.prepare.size(); ++i) {
    if (i > 0) {
      team_.barrier();
    }
    for (const Run& run : p_.schedule.prepare[i].runs) {
      phase(team_, run, {0, 0}, nullptr);
    }
  }
}

template <class T>
void Runner<T>::run() {
  for (std::size_t i = 0; i < p_.schedule.pass.size(); ++i) {
    if (i > 0) {
      team_.barrier();
    }
    const Stage& stage = p_.schedule.pass[i];
    if (stage.over == Over::rows) {
      slabs(stage, team_.split(p_.batch.rows));
      continue;
    }
    if (stage.over == Over::once) {
      if (team_.rank() == 0 && !p_.watch.stopped()) {
        p_.watch.ask([&] { return ask(p_.plan, p_.memory, *p_.objective, p_.batch, p_.task.gradients, p_.over()); });
      }
      continue;
    }
    for (const Run& run : stage.runs) {
      phase(team_, run, {0, p_.batch.rows}, nullptr);
      join(run);
    }
  }
}

// Joins what a phase has measured of the shards of this process to what others have measured of theirs.
template <class T>
void Runner<T>::join(const Run& run) {
  const Phase<T>& phase = phase_of(run);
  if (!phase.measures || !p_.shards || !p_.shards->joins) {
    return;
  }
  team_.barrier();
  if (team_.rank() == 0) {
    p_.watch.ask([&] { return p_.exchange->gather(p_.measured, p_.plan.node(run.node).layer.measures); });
  }
  team_.barrier();
  View<T> joined = view(run.node, {0, p_.batch.rows}, nullptr);
  joined.slab.joined = true;
  phase.run(joined, team_);
}

template <class T>
void Runner<T>::run_rows(Range rows) {
  slabs(p_.schedule.pass.front(), rows);
}

template <class T>
void Runner<T>::differentiate(Sink<T>& sink) {
  PenalizedSink<T> penalized(p_.plan, p_.parameters, sink);
  differentiate(p_.memory.penalties.empty() ? sink : static_cast<Sink<T>&>(penalized), {0, p_.batch.rows});
}

template <class T>
void Runner<T>::differentiate(Sink<T>& sink, Range rows) {
  for (std::size_t i = 0; i < p_.schedule.gradient.size(); ++i) {
    if (i > 0) {
      team_.barrier();
    }
    for (const Run& run : p_.schedule.gradient[i].runs) {
      if (sink.stopped()) {
        break;
      }
      if (p_.plan.node(run.node).shares) {
        SharedSink<T> shared(p_, run.node, sink);
        phase(team_, run, rows, &shared);
      } else {
        phase(team_, run, rows, &sink);
      }
    }
  }
}

// Rows of this rank, slab by slab, through a stage until the poll asks to stop: rank 0 looks after each slab.
template <class T>
void Runner<T>::slabs(const Stage& stage, Range rows) {
  const Index size = p_.memory.slab_rows(), count = (rows.size() + size - 1) / size;
  for (Index i = 0; i < count && !p_.watch.stopped(); ++i) {
    const Range slab{rows.begin + rows.size() * i / count, rows.begin + rows.size() * (i + 1) / count};
    for (const Run& run : stage.runs) {
      one(run, slab);
    }
    if (team_.rank() == 0) {
      p_.watch.look(stage.cost * static_cast<double>(slab.size()), p_.done);
    }
  }
}

template <class T>
void Runner<T>::one(const Run& run, Range rows) {
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
                           level.spare.from(rows.begin), rows.size(), 1 / static_cast<double>(p_.over()), arena_.along,
                           p_.linearized);
      break;
    }
    default:
      phase(Team(0, 1, nullptr), run, rows, nullptr);
      if (arena_.along > 0) {
        activate_along(run, rows);
      }
  }
}

template <class T>
void Runner<T>::load(std::size_t input, Range rows) {
  if (!in_place(input) && !sparse(input)) {
    const Index center = p_.plan.centers[input];
    copy_rows(p_.x[input], p_.batch, rows, arena_.x[input],
              center < 0 ? nullptr : p_.state + p_.plan.tensors(center).front().offset, augment(input), memory_.data());
  }
}

// With all rows of the batch, of which phases over columns or parameters take this rank's share.
template <class T>
void Runner<T>::phase(const Team& team, const Run& run, Range rows, Sink<T>* sink) {
  const Phase<T>& phase = phase_of(run);
  if (!(phase.values && p_.known)) {
    phase.run(view(run.node, rows, sink), team);
  }
}

template <class T>
const Phase<T>& Runner<T>::phase_of(const Run& run) const {
  const Phases<T>& phases = p_.plan.node(run.node).phases(p_.memory.mode());
  const std::vector<Phase<T>>& list = run.action == Action::forward    ? phases.forward
                                      : run.action == Action::backward ? phases.backward
                                                                       : phases.gradient;
  return list[run.phase];
}

// The values of a node that computes, or of an input, and their gradient before the node's activation.
template <class T>
Rows<const T> Runner<T>::values(Index node, Index first) const {
  if (node >= p_.plan.inputs) {
    return arena_.levels[at(node)].y.from(first);
  }
  return in_place(at(node)) ? rows_in_place<T>(p_.x[at(node)], p_.batch, {first, first})
                            : arena_.x[at(node)].from(first);
}
// The samples of an input.
template <class T>
void Runner<T>::read(In<T>& in, Index source, Index first) const {
  if (sparse(at(source))) {
    in.sparse = sparse_rows<T>(p_.x[at(source)], p_.batch, {first, first});
  } else {
    in.x = values(source, first);
  }
}
template <class T>
Rows<T> Runner<T>::gradient(Index node, Index first) const {
  if (node >= p_.plan.inputs) {
    return arena_.levels[at(node)].dy.from(first);
  }
  return p_.dx.empty() ? Rows<T>{} : Rows<T>{p_.dx[at(node)], p_.plan.columns(node), nullptr}.from(first);
}

// Whether a loss takes the values of a node before their activation.
template <class T>
bool Runner<T>::logits(Index node) const {
  for (std::size_t i = 0; p_.task.ends == Task::Ends::objective && i < p_.plan.outputs.size(); ++i) {
    if (p_.memory.wiring().outputs[i] == node) {
      return p_.objective->goals[i].logits;
    }
  }
  return false;
}

// What stays the same from batch to batch, with rows from the first on.
template <class T>
void Runner<T>::set_up(Index node, Place& place) const {
  const Node<T>& n = p_.plan.node(node);
  const auto& level = arena_.levels[at(node)];
  place.values.several.resize(n.inputs.size() > 1 ? n.inputs.size() : 0);
  const std::span<In<T>> in = place.values.inputs();
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    const Index source = wire(node).sources[i];
    in[i] = {values(source, 0), {}, p_.plan.columns(source), linear};
    if (p_.task.gradients && p_.schedule.needs[at(source)]) {
      if (level.branches[i].data) {
        in[i].dx = level.branches[i];
      } else {
        in[i].dx = gradient(source, 0);
        in[i].activation = p_.plan.node(source).activation;
      }
    }
  }
  View<T>& v = place.values.view;
  v.slab.draw.key = p_.plan.seed ^ (0x9E3779B97F4A7C15U * static_cast<std::uint64_t>(node - p_.plan.inputs + 1));
  v.slab.draw.part = p_.noise;
  v.tensors = {&p_.plan.tensors(node), p_.parameters, p_.state};
  v.workspace = level.workspace;
  place.first = 0;
  v.in = in;
  v.out = {level.y, level.dy, level.saved, n.layer.outputs, logits(node) ? linear : n.activation};
  if (arena_.along > 0) {
    set_up_along(node, place);
  }
}

template <class T>
void Runner<T>::set_up_along(Index node, Place& place) const {
  place.along = std::make_unique<Side>();
  Side& made = *place.along;
  made.several = place.values.several;
  View<T>&values = place.values.view, &along = made.view;
  along = values;
  along.in = made.inputs();
  for (std::size_t i = 0; i < values.in.size(); ++i) {
    In<T>& in = place.values.inputs()[i];
    in.activation = linear;  // `activate_along` does it
    const Index source = wire(node).sources[i];
    made.inputs()[i] = {p_.schedule.needs[at(source)] ? in.x.from(arena_.along) : arena_.zeros,
                        in.dx.from(arena_.along), in.columns, linear};
  }
  const Out<T>& out = values.out;
  along.out = {out.y.from(arena_.along), out.dy.from(arena_.along), out.saved.from(arena_.along), out.columns, linear};
  along.tensors.parameters = p_.plan.node(node).trainable ? p_.direction : nullptr;
  values.along = &along;
  values.out.linearized = p_.linearized;
}

template <class T>
void Runner<T>::Side::move(Index rows) {
  for (In<T>& one : inputs()) {
    one.x = one.x.from(rows);
    one.dx = one.dx.from(rows);
  }
  view.out.y = view.out.y.from(rows);
  view.out.dy = view.out.dy.from(rows);
  view.out.saved = view.out.saved.from(rows);
}

template <class T>
const View<T>& Runner<T>::view(Index node, Range rows, Sink<T>* sink) {
  if (places_.empty()) {
    set_up(node, place_);
  }
  Place& place = places_.empty() ? place_ : places_[at(node - p_.plan.inputs)];
  const std::span<In<T>> in = place.values.inputs();
  View<T>& v = place.values.view;
  if (const Index moved = rows.begin - place.first; moved != 0) {
    place.values.move(moved);
    if (place.along) {
      place.along->move(moved);
    }
    place.first = rows.begin;
  }
  const std::vector<Index>& sources = wire(node).sources;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] < p_.plan.inputs) {  // those of another batch
      read(in[i], sources[i], rows.begin);
    }
  }
  v.rows = rows.size();
  v.slab.first = p_.before + rows.begin;
  v.slab.batch = p_.shards && p_.shards->joins ? p_.shards->all() : p_.batch.rows;
  v.slab.shards = p_.shards;
  v.slab.measured = p_.measured;
  v.slab.all = p_.all;
  v.slab.draw.first_stream = (std::uint64_t{1} << 62U) + (static_cast<std::uint64_t>(p_.draws) << 24U) +
                             static_cast<std::uint64_t>(v.slab.first);
  v.sink = sink;
  if (place.along) {
    place.along->view.rows = v.rows;
  }
  return v;
}

// What the activations do to derivatives: to those of a node's values, going forward, and to those of the gradients of
// its inputs, which have not passed the activation yet either, going back.
template <class T>
void Runner<T>::activate_along(const Run& run, Range rows) {
  const Index along = arena_.along;
  const auto level = [&](Index node) { return arena_.levels[at(node)]; };
  if (run.action == Action::forward) {
    const Rows<T> y = level(run.node).y.from(rows.begin);
    if (p_.plan.node(run.node).phases(p_.memory.mode()).forward[run.phase].values) {
      return;
    }
    if (p_.schedule.needs[at(run.node)] && !logits(run.node)) {
      activate_derivatives<T>(p_.plan.node(run.node).activation, y, along, rows.size(), p_.plan.columns(run.node));
    }
    return;
  }
  for (std::size_t i = 0; i < wire(run.node).sources.size(); ++i) {
    const Index source = wire(run.node).sources[i];
    if (p_.schedule.needs[at(source)] && !level(run.node).branches[i].data) {
      const Rows<T> dy = level(source).dy.from(rows.begin);
      differentiate_twice<T>(p_.plan.node(source).activation, level(source).y.from(rows.begin), dy, dy, along,
                             rows.size(), p_.plan.columns(source));
    }
  }
}

template <class T>
void Runner<T>::ends(Range rows) {
  if (p_.task.ends == Task::Ends::objective) {
    judge(p_.plan, p_.memory, *p_.objective, p_.batch, rows, p_.task.gradients, p_.over(), p_.linearized);
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
          .differentiate(y, given, arena_.levels[at(source)].dy.from(rows.begin), rows.size(), columns);
    }
  }
}

template <class T>
double penalty(const Pass<T>& pass, Range rows) {
  const std::vector<double>& parts = pass.memory.penalties;
  const double parameters = std::accumulate(parts.begin(), parts.end(), 0.0);
  const T* const values = pass.memory.arena().penalty;
  return static_cast<double>(rows.size()) * parameters +
         (values ? kernels<T>().reduce.sum(values + rows.begin, rows.size()) : 0);
}

template class Runner<float>;
template class Runner<double>;
template double penalty(const Pass<float>&, Range);
template double penalty(const Pass<double>&, Range);

}  // namespace fastopt
