#include "nn/network.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>

#include "nn/dense.h"
#include "runtime/cpu.h"

namespace fastopt {

namespace {

constexpr Index page = 4096;

// Rows start on cache lines, and not a multiple of a page apart: such rows would share few sets of the cache.
template <class T>
Index padded_stride(Index columns) {
  constexpr Index line = alignment / static_cast<Index>(sizeof(T));
  const Index stride = round_up(columns, line);
  return stride * static_cast<Index>(sizeof(T)) % page == 0 ? stride + line : stride;
}

template <class T>
constexpr Type type_of = sizeof(T) == 4 ? Type::f32 : Type::f64;

template <class T>
std::unique_ptr<Layer<T>> make_layer(Index inputs, const LayerSpec& spec) {
  if (spec.kind == "dense") {
    return std::make_unique<Dense<T>>(inputs, spec.units, spec.bias);
  }
  throw std::invalid_argument("unknown kind of layer '" + spec.kind + "'; known is dense");
}

template <class T>
bool readable_in_place(const Samples& x) {
  constexpr Index size = sizeof(T);
  return x.type == type_of<T> && (x.column_stride == size || x.columns == 1) && x.row_stride % size == 0 &&
         reinterpret_cast<std::uintptr_t>(x.data) % size == 0;
}

}  // namespace

template <class T>
Network<T>::Network(Index inputs, const std::vector<LayerSpec>& specs) {
  if (specs.empty()) {
    throw std::invalid_argument("a network needs at least one layer");
  }
  if (inputs < 1) {
    throw std::invalid_argument("input_size must be at least 1, got " + std::to_string(inputs));
  }
  Index offset = 0;
  for (const LayerSpec& spec : specs) {
    if (spec.units < 1) {
      throw std::invalid_argument("units must be at least 1, got " + std::to_string(spec.units));
    }
    const int activation = find_activation(spec.activation);
    if (activation == softmax() && &spec != &specs.back()) {
      throw std::invalid_argument("softmax can only be the activation of the last layer");
    }
    if (activations()[static_cast<std::size_t>(activation)].from_input) {
      throw std::invalid_argument(spec.activation + " cannot be fused with a dense layer");
    }
    layers_.push_back(make_layer<T>(layers_.empty() ? inputs : outputs(), spec));
    activations_.push_back(activation);
    for (TensorSpec& tensor : layers_.back()->tensors()) {
      tensor.offset = offset;
      // 2^60 bytes are refused here, before any memory is asked for.
      if (__builtin_add_overflow(offset, round_up(tensor.size, alignment), &offset)) {
        throw std::length_error("the network has too many parameters");
      }
    }
  }
  // One more line at the end, because whole vectors are read at the end of a row.
  parameters_ = Buffer<T>(offset + alignment);
  gradients_ = Buffer<T>(offset + alignment);
}

template <class T>
bool Network<T>::finite() const {
  std::atomic<bool> finite{true};
  parallel_for(parameters_.size(), alignment, static_cast<double>(parameters_.size()), [&](Range part) {
    if (kernels<T>().first_nonfinite(parameters_.data() + part.begin, part.size()) >= 0) {
      finite = false;
    }
  });
  return finite;
}

template <class T>
void Network<T>::check(const Objective<T>& objective) const {
  const LossEntry& loss = losses()[static_cast<std::size_t>(objective.loss)];
  const std::string_view last = activations()[last_activation()].name;
  if (!loss.activation.empty() && last != "linear" && last != loss.activation) {
    throw std::invalid_argument(std::string(loss.name) + " needs a last layer with activation '" +
                                std::string(loss.activation) + "' or 'linear', not '" + std::string(last) + "'");
  }
  // Kernels count classes in elements of type T.
  constexpr Index classes = Index{1} << std::numeric_limits<T>::digits;
  if (outputs() > classes && (loss.labels || !objective.metrics.empty())) {
    throw std::invalid_argument("labels and metrics of this dtype need at most " + std::to_string(classes) +
                                " outputs, not " + std::to_string(outputs()));
  }
  for (const int i : objective.metrics) {
    const MetricEntry& metric = metrics()[static_cast<std::size_t>(i)];
    if (metric.labels != loss.labels || (metric.name == "binary_accuracy" && loss.name != "binary_crossentropy")) {
      throw std::invalid_argument("metric " + std::string(metric.name) + " does not go with the loss " +
                                  std::string(loss.name));
    }
  }
}

template <class T>
void Network<T>::reserve(Arena& arena, Index rows, std::size_t metrics, bool training) {
  if (rows <= arena.rows && metrics <= arena.metrics && arena.table == &kernel_table()) {
    return;
  }
  rows = std::max(rows, arena.rows);
  metrics = std::max(metrics, arena.metrics);
  // Made aside: where memory is short, the arena stays as it was.
  Arena next;
  const auto lay_out = [&](T* memory) {
    Index used = 0;
    const auto take = [&](Index size) {
      T* place = memory ? memory + used : nullptr;
      if (__builtin_add_overflow(used, round_up(size, alignment), &used)) {
        throw std::length_error("a batch of " + std::to_string(rows) + " rows is too large");
      }
      return place;
    };
    const auto take_rows = [&](Index columns) {
      const Index stride = padded_stride<T>(columns);
      return Rows<T>{take(checked_product(rows, stride)), stride, nullptr};
    };
    next.levels.clear();
    for (const auto& layer : layers_) {
      next.levels.push_back({.y = take_rows(layer->outputs()), .dy = {}, .workspace = nullptr});
      if (training) {
        next.levels.back().dy = take_rows(layer->outputs());
        next.levels.back().workspace = take(layer->workspace());
      }
    }
    next.x = take_rows(inputs());
    next.activated = take_rows(outputs());
    next.loss = take(rows);
    next.metric.clear();
    for (std::size_t i = 0; i < metrics; ++i) {
      next.metric.push_back(take(rows));
    }
    return used;
  };
  Buffer<T> memory(lay_out(nullptr));
  lay_out(memory.data());
  next.memory = std::move(memory);
  next.rows = rows;
  next.metrics = metrics;
  next.table = &kernel_table();
  arena = std::move(next);
}

template <class T>
void Network<T>::reserve(Index rows, const Objective<T>& objective) {
  forward_rows_ = 0;
  reserve(training_, rows, objective.metrics.size(), true);
}

template <class T>
double Network<T>::pass_cost() const {
  double cost = 0;
  for (const auto& layer : layers_) {
    cost += layer->cost();
  }
  return cost;
}

// Rows that go through all layers together, while their values stay in the second-level cache.
template <class T>
Index Network<T>::slab_rows() const {
  Index bytes = 1;
  for (const auto& layer : layers_) {
    bytes += 2 * padded_stride<T>(layer->outputs()) * static_cast<Index>(sizeof(T));
  }
  return std::max<Index>(96, (Index{1} << 18) / bytes);
}

// work(slab) for a rank's rows, slab by slab, until the poll asks to stop: rank 0 looks after each slab.
template <class T>
template <class F>
void Network<T>::for_each_slab(const Team& team, Range rows, double row_cost, Watch& watch, Index done,
                               F&& work) const {
  const Index slabs = (rows.size() + slab_rows() - 1) / slab_rows();
  for (Index i = 0; i < slabs && !watch.stopped(); ++i) {
    const Range slab{rows.begin + rows.size() * i / slabs, rows.begin + rows.size() * (i + 1) / slabs};
    work(slab);
    if (team.rank() == 0) {
      watch.look(row_cost * static_cast<double>(slab.size()), done);
    }
  }
}

template <class T>
Flow<T> Network<T>::flow(Arena& arena, std::size_t layer, Rows<const T> x, Index first) {
  const auto values = [&](std::size_t level) {
    const Rows<T> y = arena.levels[level].y.from(first);
    return Rows<const T>{y.data, y.stride};
  };
  const Rows<T> dy = arena.levels[layer].dy.from(first);
  const int activation = activations_[layer];
  return {.parameters = parameters_.data(),
          .gradients = gradients_.data(),
          .workspace = arena.levels[layer].workspace,
          .x = layer == 0 ? x : values(layer - 1),
          .y = arena.levels[layer].y.from(first),
          .activation = activation == softmax() ? linear : activation,
          .x_activation = layer == 0 ? linear : activations_[layer - 1],
          .dy = {dy.data, dy.stride},
          .dx = layer == 0 ? Rows<T>{} : arena.levels[layer - 1].dy.from(first)};
}

// Where the samples of some rows of a batch are: in the caller's array if they can be read there, else in the arena.
template <class T>
Rows<const T> Network<T>::rows_of(Arena& arena, const Samples& x, const Batch& batch, Range rows) const {
  if (readable_in_place<T>(x)) {
    const Index stride = x.row_stride / static_cast<Index>(sizeof(T));
    return Rows<const T>{static_cast<const T*>(x.data) + batch.first * stride, stride, batch.index}.from(rows.begin);
  }
  const Rows<T> copy = arena.x.from(rows.begin);
  return {copy.data, copy.stride};
}

template <class T>
Rows<const T> Network<T>::load_rows(Arena& arena, const Samples& x, const Batch& batch, Range rows) const {
  if (!readable_in_place<T>(x)) {
    kernels<T>().gather(
        {.type = x.type,
         .data = static_cast<const char*>(x.data) + (batch.index ? 0 : (batch.first + rows.begin) * x.row_stride),
         .row_stride = x.row_stride,
         .column_stride = x.column_stride,
         .index = batch.index ? batch.index + rows.begin : nullptr,
         .rows = rows.size(),
         .columns = x.columns,
         .to = arena.x.from(rows.begin)});
  }
  return rows_of(arena, x, batch, rows);
}

template <class T>
void Network<T>::prepare_backward(const Team& team, Arena& arena, bool to_input) {
  for (std::size_t l = to_input ? 0 : 1; l < layers_.size(); ++l) {
    layers_[l]->prepare_backward(team, flow(arena, l, {}, 0));
  }
  team.barrier();
}

template <class T>
void Network<T>::forward_rows(Arena& arena, Rows<const T> x, Range rows, bool activate_last) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Flow<T> f = flow(arena, l, x, rows.begin);
    const bool last = l + 1 == layers_.size();
    if (last && !activate_last) {
      f.activation = linear;
    }
    layers_[l]->forward(rows.size(), f);
    if (last && activate_last && activations_[l] == softmax()) {
      kernels<T>().activate[last_activation()]({f.y.data, f.y.stride}, f.y, rows.size(), outputs());
    }
  }
}

template <class T>
void Network<T>::loss_rows(Arena& arena, const Batch& batch, Range rows, const Objective<T>& objective,
                           bool backward) const {
  const auto& last = arena.levels.back();
  const Rows<T> y = last.y.from(rows.begin), dy = last.dy.from(rows.begin);
  // Without an index the batch begins at its first sample, with one at the index's first entry.
  const Index begin = batch.first + rows.begin;
  const Targets<T> target = Targets<T>{objective.labels, objective.dense, batch.index}.from(begin, outputs());
  const T* weight = objective.weight && !batch.index ? objective.weight + begin : objective.weight;
  kernels<T>().loss[static_cast<std::size_t>(objective.loss)]({.rows = rows.size(),
                                                               .columns = outputs(),
                                                               .prediction = {y.data, y.stride},
                                                               .target = target,
                                                               .weight = weight,
                                                               .hyper = objective.hyper,
                                                               .scale = T(1) / static_cast<T>(batch.rows),
                                                               .gradient = backward ? dy : Rows<T>{},
                                                               .loss = arena.loss + rows.begin});
  const bool logits = fused(objective.loss) && last_activation() != linear;
  if (backward && !fused(objective.loss) && last_activation() != linear) {
    kernels<T>().differentiate[last_activation()]({y.data, y.stride}, {dy.data, dy.stride}, dy, rows.size(), outputs());
  }
  bool activated = false;
  for (std::size_t i = 0; i < objective.metrics.size(); ++i) {
    const auto metric = static_cast<std::size_t>(objective.metrics[i]);
    Rows<T> prediction = y;
    if (logits && !metrics()[metric].logits) {
      prediction = arena.activated.from(rows.begin);
      if (!activated) {
        kernels<T>().activate[last_activation()]({y.data, y.stride}, prediction, rows.size(), outputs());
        activated = true;
      }
    }
    kernels<T>().metric[metric]({.rows = rows.size(),
                                 .columns = outputs(),
                                 .prediction = {prediction.data, prediction.stride},
                                 .target = target,
                                 .value = arena.metric[i] + rows.begin});
  }
}

// From dy of the last layer down to dy of the first and, if wanted, to dx.
template <class T>
void Network<T>::backward_rows(Arena& arena, Rows<const T> x, Range rows, Rows<T> dx) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    Flow<T> f = flow(arena, l, x, rows.begin);
    if (l == 0) {
      if (!dx.data) {
        return;
      }
      f.dx = dx;
    }
    layers_[l]->backward_input(rows.size(), f);
  }
}

template <class T>
void Network<T>::backward_parameters(const Team& team, Rows<const T> x, Index rows, const PartDone& done) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    if (!layers_[l]->backward_parameters(team, rows, flow(training_, l, x, 0), done)) {
      return;
    }
  }
}

template <class T>
void Network<T>::backward_parameters(const Team& team, const Samples& x, const Batch& batch, const PartDone& done) {
  backward_parameters(team, rows_of(training_, x, batch, {0, batch.rows}), batch.rows, done);
}

template <class T>
void Network<T>::pass(const Team& team, const Samples& x, const Batch& batch, const Objective<T>& objective,
                      Watch& watch, Index done) {
  Arena& arena = training_;
  prepare_backward(team, arena, false);
  for_each_slab(team, team.split(batch.rows), step_cost(1), watch, done, [&](Range rows) {
    const Rows<const T> samples = load_rows(arena, x, batch, rows);
    forward_rows(arena, samples, rows, !fused(objective.loss));
    loss_rows(arena, batch, rows, objective, true);
    backward_rows(arena, samples, rows, {});
  });
  team.barrier();
}

template <class T>
void Network<T>::add(const Arena& arena, const Batch& batch, const Objective<T>& objective, Totals& totals) const {
  const auto total = [&](const T* values) {
    if (!objective.weight) {
      return kernels<T>().sum(values, batch.rows);
    }
    double sum = 0;
    for (Index i = 0; i < batch.rows; ++i) {
      sum += static_cast<double>(values[i]) *
             static_cast<double>(objective.weight[batch.index ? batch.index[i] : batch.first + i]);
    }
    return sum;
  };
  totals.batches += 1;
  totals.samples += batch.rows;
  totals.loss += total(arena.loss);
  for (std::size_t i = 0; i < objective.metrics.size(); ++i) {
    totals.metrics[i] += total(arena.metric[i]);
  }
  if (objective.weight) {
    for (Index i = 0; i < batch.rows; ++i) {
      totals.weight += static_cast<double>(objective.weight[batch.index ? batch.index[i] : batch.first + i]);
    }
  } else {
    totals.weight += static_cast<double>(batch.rows);
  }
}

template <class T>
void Network<T>::forward(const Samples& x, T* out, const Poll& poll) {
  forward_rows_ = 0;
  reserve(training_, x.rows, 0, true);
  Watch watch(poll);
  run_team(threads_for(pass_cost() * static_cast<double>(x.rows)), true, [&](const Team& team) {
    for_each_slab(team, team.split(x.rows), pass_cost(), watch, 0, [&](Range rows) {
      // A copy: the caller may change x before `backward`.
      const Rows<T> copy = training_.x.from(rows.begin);
      kernels<T>().gather({x.type, static_cast<const char*>(x.data) + rows.begin * x.row_stride, x.row_stride,
                           x.column_stride, nullptr, rows.size(), x.columns, copy});
      forward_rows(training_, {copy.data, copy.stride}, rows, true);
      for (Index i = rows.begin; i < rows.end; ++i) {
        std::copy_n(training_.levels.back().y.row(i), outputs(), out + i * outputs());
      }
    });
  });
  forward_rows_ = watch.stopped() ? 0 : x.rows;
}

template <class T>
bool Network<T>::backward(Index batch, const T* dy, T* dx, const Poll& poll) {
  if (batch != forward_rows_) {
    return false;
  }
  reserve(training_, batch, 0, true);
  const Rows<const T> x{training_.x.data, training_.x.stride};
  Watch watch(poll);
  run_team(threads_for(step_cost(batch) * 2 / 3), true, [&](const Team& team) {
    prepare_backward(team, training_, true);
    const Rows<T> y = training_.levels.back().y, last = training_.levels.back().dy;
    const Rows<const T> given{dy, outputs()};
    for_each_slab(team, team.split(batch), pass_cost(), watch, 0, [&](Range rows) {
      kernels<T>().differentiate[last_activation()]({y.from(rows.begin).data, y.stride}, given.from(rows.begin),
                                                    last.from(rows.begin), rows.size(), outputs());
      backward_rows(training_, x.from(rows.begin), rows, Rows<T>{dx, inputs()}.from(rows.begin));
    });
    team.barrier();
    backward_parameters(team, x, batch, [&](Range part) {
      if (team.rank() == 0) {
        watch.look(2 * static_cast<double>(batch) * static_cast<double>(part.size()), 0);
      }
      return !watch.stopped();
    });
  });
  return true;
}

template <class T>
void Network<T>::predict(const Samples& x, Index batch_size, T* out, const Poll& poll) {
  batch_size = std::min(batch_size, x.rows);
  reserve(inference_, batch_size, 0, false);
  Watch watch(poll);
  const int threads =
      static_cast<int>(std::min<Index>(threads_for(pass_cost() * static_cast<double>(x.rows)), batch_size));
  run_team(threads, true, [&](const Team& team) {
    // Each rank takes its share of all samples through its own rows of the arena: no rank has to wait for another.
    const Range samples = team.split(x.rows), room = team.split(batch_size);
    Index done = 0;
    for (Index first = samples.begin; first < samples.end && !watch.stopped(); first += room.size()) {
      const Batch batch{batch_size, nullptr, first - room.begin};
      const Range taken{room.begin, room.begin + std::min(room.size(), samples.end - first)};
      for_each_slab(team, taken, pass_cost(), watch, done++, [&](Range rows) {
        forward_rows(inference_, load_rows(inference_, x, batch, rows), rows, true);
        for (Index i = rows.begin; i < rows.end; ++i) {
          std::copy_n(inference_.levels.back().y.row(i), outputs(), out + (batch.first + i) * outputs());
        }
      });
    }
  });
}

template <class T>
void Network<T>::evaluate(const Samples& x, const Objective<T>& objective, Index batch_size, const Poll& poll,
                          Totals& totals) {
  batch_size = std::min(batch_size, x.rows);
  reserve(inference_, batch_size, objective.metrics.size(), false);
  totals.metrics.resize(objective.metrics.size());
  Watch watch(poll);
  bool stop = false;  // written by rank 0 between the two barriers of a batch, so that all ranks see the same
  run_team(threads_for(pass_cost() * static_cast<double>(batch_size)), true, [&](const Team& team) {
    for (Index first = 0; first < x.rows && !stop; first += batch_size) {
      const Batch batch{std::min(batch_size, x.rows - first), nullptr, first};
      for_each_slab(team, team.split(batch.rows), pass_cost(), watch, first / batch_size, [&](Range rows) {
        forward_rows(inference_, load_rows(inference_, x, batch, rows), rows, !fused(objective.loss));
        loss_rows(inference_, batch, rows, objective, false);
      });
      team.barrier();
      if (team.rank() == 0) {
        stop = watch.stopped();
        if (!stop) {
          add(inference_, batch, objective, totals);
        }
      }
      team.barrier();
    }
  });
}

template class Network<float>;
template class Network<double>;

}  // namespace fastopt
