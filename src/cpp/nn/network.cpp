#include "nn/network.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "kernels/gather/args.h"
#include "kernels/reduce/args.h"
#include "runtime/cpu.h"

namespace fastopt {

namespace {

constexpr Index page = 4096;
constexpr Index chunk_size = 4096;  // elements whose penalties are summed together

Index chunks_of(const TensorSpec& tensor) {
  return (tensor.size + chunk_size - 1) / chunk_size;
}

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
bool readable_in_place(const Samples& x) {
  constexpr Index size = sizeof(T);
  return x.type == type_of<T> && (x.column_stride == size || x.columns == 1) && x.row_stride % size == 0 &&
         reinterpret_cast<std::uintptr_t>(x.data) % size == 0;
}

}  // namespace

template <class T>
Network<T>::Network(Index inputs, const std::vector<LayerSpec>& specs, std::uint64_t seed) : seed_(seed) {
  if (inputs < 1) {
    throw std::invalid_argument("input_size must be at least 1, got " + std::to_string(inputs));
  }
  Index trained = 0, state = 0;
  std::vector<std::size_t> open;  // starts of residual blocks
  constexpr std::size_t none = SIZE_MAX;
  std::size_t below = none;  // the layer that an activation can end
  for (std::size_t l = 0; l < specs.size(); ++l) {
    LayerSpec spec = specs[l];
    int activation = find_activation(spec.activation);
    const bool from_input = activation_kernel(activation).from_input;
    if (spec.kind == "activation") {
      if (!from_input && below != none && activations_[below] == linear) {
        activations_[below] = activation;
        spec.kind = "pass";
      }
    } else if (from_input) {
      throw std::invalid_argument(spec.activation + " cannot end another layer: it needs one of its own");
    }
    layers_.push_back(make_layer<T>(layers_.empty() ? inputs : outputs(), spec));
    const Layer<T>& layer = *layers_.back();
    activations_.push_back(from_input || spec.kind == "pass" ? linear : activation);
    partner_.push_back(l);
    if (spec.kind == "residual_start") {
      open.push_back(l);
    } else if (spec.kind == "residual_end") {
      if (open.empty() || layers_[open.back()]->inputs() != layer.inputs()) {
        throw std::invalid_argument("a residual block must end with as many values as it starts with");
      }
      partner_[l] = open.back();
      partner_[open.back()] = l;
      open.pop_back();
    }
    if (layer.couples_rows() && l > 0) {
      stages_.push_back(static_cast<Index>(l));
    }
    prepares_forward_ |= layer.prepares_forward();
    gathers_gradients_ |= layer.gathers_gradients();
    if (layer.penalises()) {
      if (l == 0 || layers_[l - 1]->passes({true}) != Passes::nothing) {
        throw std::invalid_argument("a layer of kind '" + spec.kind + "' must follow one that computes");
      }
      penalising_.push_back(l);
    }
    if (layer.passes({false}) == Passes::nothing) {
      last_ = l;
      below = l;
    } else if (spec.kind != "pass") {
      below = none;
    }
    for (TensorSpec& tensor : layers_.back()->tensors()) {
      Index& end = tensor.trained ? trained : state;
      tensor.offset = end;
      // 2^60 bytes are refused here, before any memory is asked for.
      if (__builtin_add_overflow(end, round_up(tensor.size, alignment), &end)) {
        throw std::length_error("the network has too many parameters");
      }
    }
  }
  if (!open.empty()) {
    throw std::invalid_argument("a residual block has no end");
  }
  if (specs.empty() || layers_[last_]->passes({false}) != Passes::nothing) {
    throw std::invalid_argument("a network needs at least one layer that computes");
  }
  const auto trains = [](const auto& layer) { return std::ranges::any_of(layer->tensors(), &TensorSpec::trained); };
  first_trained_ = std::ranges::find_if(layers_, trains) - layers_.begin();
  Index chunks = 0;
  for (const auto& layer : layers_) {
    for (const TensorSpec& tensor : layer->tensors()) {
      if (tensor.penalty.any()) {
        regularised_.push_back(&tensor);
        chunks += chunks_of(tensor);
      }
      if (tensor.constraint.any()) {
        constrained_.push_back(&tensor);
      }
    }
  }
  penalties_.resize(static_cast<std::size_t>(chunks));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    if (l > last_ && layers_[l]->passes({true}) != Passes::all) {
      throw std::invalid_argument("the last layer may not add noise or start a block");
    }
  }
  // One more line at the end, because whole vectors are read at the end of a row.
  parameters_ = Buffer<T>(trained + alignment);
  gradients_ = Buffer<T>(trained + alignment);
  state_ = Buffer<T>(state + alignment);
}

template <class T>
bool Network<T>::finite() const {
  std::atomic<bool> finite{true};
  parallel_for(parameters_.size(), alignment, reading_cost * static_cast<double>(parameters_.size()), [&](Range part) {
    if (kernels<T>().reduce.first_nonfinite(parameters_.data() + part.begin, part.size()) >= 0) {
      finite = false;
    }
  });
  return finite;
}

template <class T>
void Network<T>::check(const Objective<T>& objective) const {
  const auto& loss = loss_kernel(objective.loss);
  const std::string_view last = activation_kernel(last_activation()).name;
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
  for (const MetricChoice& choice : objective.metrics) {
    const auto& metric = metric_kernel(choice.metric);
    if (metric.labels != loss.labels || (metric.name == "binary_accuracy" && loss.name != "binary_crossentropy")) {
      throw std::invalid_argument("metric " + std::string(metric.name) + " does not go with the loss " +
                                  std::string(loss.name));
    }
  }
}

template <class T>
void Network<T>::reserve(Arena& arena, Index rows, std::size_t metrics, Mode mode) {
  if (rows <= arena.rows && metrics <= arena.metrics && arena.table == &kernel_table() &&
      arena.mode.noise == mode.noise) {
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
    Index values = -1, target = -1;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer<T>& layer = *layers_[l];
      const Passes passes = layer.passes(mode);
      typename Arena::Level level{};
      level.values = values;
      level.target = target;
      level.hands_on = passes != Passes::nothing;
      if (passes == Passes::nothing) {
        level.y = take_rows(layer.outputs());
        values = static_cast<Index>(l);
      }
      if (passes != Passes::all && mode.training) {
        level.dy = take_rows(layer.outputs());
        target = static_cast<Index>(l);
      }
      if ((passes == Passes::nothing || layer.penalises()) && layer.kept() > 0) {
        level.kept = take_rows(layer.kept());
      }
      if (passes == Passes::nothing && (mode.training || layer.prepares_forward())) {
        level.workspace = take(layer.workspace());
      }
      next.levels.push_back(level);
    }
    next.x = take_rows(inputs());
    next.activated = take_rows(outputs());
    next.loss = take(rows);
    next.penalty = penalising_.empty() ? nullptr : take(rows);
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
  next.mode = mode;
  arena = std::move(next);
}

template <class T>
void Network<T>::reserve(Index rows, const Objective<T>& objective) {
  forward_rows_ = 0;
  reserve_training(rows, objective.metrics.size());
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
  // A slab takes some 20 ms at most, so that an interrupt is heard in time.
  const double rows = std::clamp(5e8 / std::max(1.0, pass_cost()), 48.0, 192.0);
  return std::max(static_cast<Index>(rows), (Index{1} << 18) / bytes);
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
  const auto read = [](const Rows<T>& rows) { return Rows<const T>{rows.data, rows.stride}; };
  const auto values = [&](Index level) {
    return level < 0 ? x : read(arena.levels[static_cast<std::size_t>(level)].y.from(first));
  };
  const auto& level = arena.levels[layer];
  const auto target = static_cast<std::size_t>(level.target);
  const auto& partner = arena.levels[partner_[layer]];
  const bool starts = partner_[layer] > layer;
  return {.parameters = parameters_.data(),
          .gradients = gradients_.data(),
          .state = state_.data(),
          .workspace = level.workspace,
          .training = arena.mode.training,
          .batch = batch_rows_,
          .x = values(level.values),
          .y = level.y.from(first),
          .kept = level.kept.from(first),
          .activation = activations_[layer],
          .x_activation = level.target < 0 ? linear : activations_[target],
          .dy = read(level.dy.from(first)),
          .dx = level.target < 0 ? Rows<T>{} : arena.levels[target].dy.from(first),
          .other = starts ? read(partner.dy.from(first)) : values(partner.values),
          .draw = {seed_ ^ (0x9E3779B97F4A7C15U * (layer + 1)), (std::uint64_t{1} << 62U) +
                                                                    (static_cast<std::uint64_t>(draws) << 24U) +
                                                                    static_cast<std::uint64_t>(first)}};
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
    kernels<T>().gather.rows(
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
void Network<T>::prepare(const Team& team, Arena& arena, bool backward, bool to_input) {
  const auto for_each = [&](auto&& work) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (!arena.levels[l].hands_on) {
        work(l);
      }
    }
    team.barrier();
  };
  if (prepares_forward_) {
    for_each([&](std::size_t l) { layers_[l]->prepare_forward(team, flow(arena, l, {}, 0)); });
  }
  if (backward) {
    for_each([&](std::size_t l) {
      if (to_input || arena.levels[l].target >= first_trained_) {
        layers_[l]->prepare_backward(team, flow(arena, l, {}, 0));
      }
    });
  }
}

template <class T>
void Network<T>::forward_rows(Arena& arena, Range stage, Rows<const T> x, Range rows, bool activate_last) {
  for (auto l = static_cast<std::size_t>(stage.begin); l < static_cast<std::size_t>(stage.end); ++l) {
    if (arena.levels[l].hands_on) {
      continue;
    }
    Flow<T> f = flow(arena, l, x, rows.begin);
    if (l == last_ && !activate_last) {
      f.activation = linear;
    }
    layers_[l]->forward(rows.size(), f);
  }
}

// The forward pass of a batch in training: last(x, rows) for slabs of this rank's rows whose outputs are known.
template <class T>
template <class Load, class Last>
void Network<T>::forward_stages(const Team& team, Index rows, Watch& watch, Index done, bool activate_last, Load&& load,
                                Last&& last) {
  const Range mine = team.split(rows);
  const double cost = pass_cost() / static_cast<double>(stages_.size());
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const Range layers = stage(s);
    const auto first = static_cast<std::size_t>(layers.begin);
    const bool gathers = couples(layers.begin);
    if (gathers) {
      if (s == 0) {
        load(mine);
      }
      team.barrier();
      layers_[first]->gather_forward(team, rows, flow(training_, first, load({0, 0}), 0));
      team.barrier();
    }
    for_each_slab(team, mine, cost, watch, done, [&](Range slab) {
      const Rows<const T> x = s == 0 && !gathers ? load(slab) : load({slab.begin, slab.begin});
      forward_rows(training_, layers, x, slab, activate_last);
      if (s + 1 == stages_.size()) {
        last(x, slab);
      }
    });
  }
}

template <class T>
void Network<T>::backward_input(std::size_t layer, Rows<const T> x, Range rows, Rows<T> dx) {
  const auto& level = training_.levels[layer];
  if (!level.dy.data && !layers_[layer]->penalises()) {
    return;
  }
  if (!dx.data && level.target < first_trained_) {
    return;  // nothing below learns
  }
  Flow<T> f = flow(training_, layer, x, rows.begin);
  if (level.target < 0) {
    f.dx = dx;
  }
  layers_[layer]->backward_input(rows.size(), f);
}

// Of the layers of one stage; but its first, if it couples rows, belongs to the stage below.
template <class T>
void Network<T>::backward_rows(std::size_t number, Rows<const T> x, Range rows, Rows<T> dx) {
  const Range layers = stage(number);
  const Index end = number + 1 < stages_.size() ? layers.end : layers.end - 1;
  for (Index l = end; l >= layers.begin + (couples(layers.begin) ? 1 : 0); --l) {
    backward_input(static_cast<std::size_t>(l), x, rows, dx);
  }
}

// What is left when the last stage has gone backward, row by row; x and dx are those of the first row.
template <class T>
void Network<T>::backward_stages(const Team& team, Rows<const T> x, Index rows, Rows<T> dx, Watch& watch, Index done) {
  const Range mine = team.split(rows);
  const double cost = 2 * pass_cost() / static_cast<double>(stages_.size());
  for (std::size_t s = stages_.size(); s-- > 0;) {
    const Range layers = stage(s);
    const auto first = static_cast<std::size_t>(layers.begin);
    if (s + 1 < stages_.size()) {
      for_each_slab(team, mine, cost, watch, done,
                    [&](Range slab) { backward_rows(s, x.from(slab.begin), slab, dx.from(slab.begin)); });
    }
    if (couples(layers.begin)) {
      team.barrier();
      layers_[first]->gather_backward(team, rows, flow(training_, first, x, 0));
      team.barrier();
      if (s == 0) {
        for_each_slab(team, mine, cost, watch, done,
                      [&](Range slab) { backward_input(first, x.from(slab.begin), slab, dx.from(slab.begin)); });
      }
    }
  }
  team.barrier();
}

template <class T>
void Network<T>::loss_rows(Arena& arena, const Batch& batch, Range rows, const Objective<T>& objective, bool backward) {
  const auto& last = arena.levels[last_];
  const Rows<T> y = last.y.from(rows.begin), dy = last.dy.from(rows.begin);
  // Without an index the batch begins at its first sample, with one at the index's first entry.
  const Index begin = batch.first + rows.begin;
  const Targets<T> target = Targets<T>{objective.labels, objective.dense, batch.index}.from(begin, outputs());
  const T* weight = objective.weight && !batch.index ? objective.weight + begin : objective.weight;
  loss_kernel<T>(objective.loss)
      .rows({.rows = rows.size(),
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
    activation_kernel<T>(last_activation())
        .differentiate({y.data, y.stride}, {dy.data, dy.stride}, dy, rows.size(), outputs());
  }
  bool activated = false;
  for (std::size_t i = 0; i < objective.metrics.size(); ++i) {
    const MetricChoice& choice = objective.metrics[i];
    Rows<T> prediction = y;
    if (logits && !metric_kernel(choice.metric).logits) {
      prediction = arena.activated.from(rows.begin);
      if (!activated) {
        activation_kernel<T>(last_activation()).activate({y.data, y.stride}, prediction, rows.size(), outputs());
        activated = true;
      }
    }
    metric_kernel<T>(choice.metric)
        .rows({.rows = rows.size(),
               .columns = outputs(),
               .prediction = {prediction.data, prediction.stride},
               .target = target,
               .k = choice.k,
               .value = arena.metric[i] + rows.begin});
  }
  penalise_rows(arena, rows, logits);
}

// What the values of layers cost, when nothing needs the last ones before their activation any more.
template <class T>
void Network<T>::penalise_rows(Arena& arena, Range rows, bool logits) {
  for (const std::size_t l : penalising_) {
    if (l == penalising_.front()) {
      std::fill_n(arena.penalty + rows.begin, rows.size(), T(0));
    }
    if (logits && arena.levels[l].values == static_cast<Index>(last_)) {
      const Rows<T> y = arena.levels[last_].y.from(rows.begin);
      activation_kernel<T>(last_activation()).activate({y.data, y.stride}, y, rows.size(), outputs());
    }
    layers_[l]->penalise(rows.size(), flow(arena, l, {}, rows.begin), arena.penalty + rows.begin);
  }
}

// What the parameters cost, before the step.
template <class T>
void Network<T>::measure_parameters(const Team& team) {
  Index first = 0;
  for (const TensorSpec* const tensor : regularised_) {
    const T* const w = parameters_.data() + tensor->offset;
    const Range chunks = team.split(chunks_of(*tensor));
    for (Index c = chunks.begin; c < chunks.end; ++c) {
      const Index begin = c * chunk_size;
      penalties_[static_cast<std::size_t>(first + c)] =
          tensor->penalty.value(w + begin, std::min(chunk_size, tensor->size - begin));
    }
    first += chunks_of(*tensor);
  }
}

template <class T>
void Network<T>::penalise_gradients(Range part) {
  for (const TensorSpec* const tensor : regularised_) {
    if (part.begin >= tensor->offset && part.begin < tensor->offset + tensor->size) {
      T* const gradient = gradients_.data() + part.begin;
      tensor->penalty.differentiate(parameters_.data() + part.begin, gradient, 1, gradient, part.size());
    }
  }
}

// What was measured last, for all rows of a batch: rows times the penalty in its mean loss.
template <class T>
double Network<T>::penalty_of(const Arena& arena, Index rows) const {
  const double parameters = std::accumulate(penalties_.begin(), penalties_.end(), 0.0);
  return static_cast<double>(rows) * parameters + (arena.penalty ? kernels<T>().reduce.sum(arena.penalty, rows) : 0);
}

template <class T>
void Network<T>::constrain(const Team& team) {
  for (const TensorSpec* const tensor : constrained_) {
    const Index columns = tensor->shape.back();
    tensor->constraint.apply(team, parameters_.data() + tensor->offset, tensor->size / columns, columns);
  }
}

template <class T>
void Network<T>::constrain() {
  double cost = 0;
  for (const TensorSpec* const tensor : constrained_) {
    cost += elementwise_cost * static_cast<double>(tensor->size);
  }
  if (constrained()) {
    run_team(threads_for(cost), true, [&](const Team& team) { constrain(team); });
  }
}

template <class T>
void Network<T>::backward_parameters(const Team& team, Rows<const T> x, Index rows, const PartDone& done) {
  if (gathers_gradients_) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (!training_.levels[l].hands_on) {
        layers_[l]->gather_gradients(team, rows, flow(training_, l, x, 0));
      }
    }
    team.barrier();
  }
  const PartDone penalised = [&](Range part) {
    penalise_gradients(part);
    return done(part);
  };
  const PartDone& hear = regularised_.empty() ? done : penalised;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    if (!training_.levels[l].hands_on && !layers_[l]->backward_parameters(team, rows, flow(training_, l, x, 0), hear)) {
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
  if (team.rank() == 0) {
    batch_rows_ = batch.rows;  // read after the barrier of `prepare`
  }
  measure_parameters(team);
  prepare(team, training_, true, false);
  forward_stages(
      team, batch.rows, watch, done, !fused(objective.loss),
      [&](Range rows) { return load_rows(training_, x, batch, rows); },
      [&](Rows<const T> samples, Range rows) {
        loss_rows(training_, batch, rows, objective, true);
        backward_rows(stages_.size() - 1, samples, rows, {});
      });
  backward_stages(team, rows_of(training_, x, batch, {0, batch.rows}), batch.rows, {}, watch, done);
}

template <class T>
void Network<T>::add(const Arena& arena, const Batch& batch, const Objective<T>& objective, Totals& totals) const {
  const auto total = [&](const T* values) {
    if (!objective.weight) {
      return kernels<T>().reduce.sum(values, batch.rows);
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
  totals.loss += total(arena.loss) + penalty_of(arena, batch.rows);  // rows times what a step follows the gradient of
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
  batch_rows_ = x.rows;
  reserve_training(x.rows, 0);
  Watch watch(poll);
  run_team(threads_for(pass_cost() * static_cast<double>(x.rows)), true, [&](const Team& team) {
    prepare(team, training_, false, false);
    forward_stages(
        team, x.rows, watch, 0, true,
        [&](Range rows) {
          // A copy: the caller may change x before `backward`.
          const Rows<T> copy = training_.x.from(rows.begin);
          kernels<T>().gather.rows({x.type, static_cast<const char*>(x.data) + rows.begin * x.row_stride, x.row_stride,
                                    x.column_stride, nullptr, rows.size(), x.columns, copy});
          return Rows<const T>{copy.data, copy.stride};
        },
        [&](Rows<const T>, Range rows) {
          for (Index i = rows.begin; i < rows.end; ++i) {
            std::copy_n(outputs_of(training_).row(i), outputs(), out + i * outputs());
          }
        });
  });
  if (!watch.stopped()) {
    forward_rows_ = x.rows;
    ++draws;
  }
}

template <class T>
double Network<T>::penalty() {
  run_team(1, true, [&](const Team& team) {
    measure_parameters(team);
    penalise_rows(training_, {0, forward_rows_}, false);
  });
  return penalty_of(training_, forward_rows_);
}

template <class T>
bool Network<T>::backward(Index batch, const T* dy, T* dx, const Poll& poll) {
  if (batch != forward_rows_) {
    return false;
  }
  forward_rows_ = 0;
  if (training_.table != &kernel_table()) {
    throw std::runtime_error("the instruction set was changed after the forward pass: call model(x) again");
  }
  const Rows<const T> x{training_.x.data, training_.x.stride};
  Watch watch(poll);
  run_team(threads_for(step_cost(batch) * 2 / 3), true, [&](const Team& team) {
    prepare(team, training_, true, true);
    const Rows<T> y = training_.levels[last_].y, last = training_.levels[last_].dy;
    const Rows<const T> given{dy, outputs()};
    const Rows<T> to{dx, inputs()};
    for_each_slab(team, team.split(batch), pass_cost(), watch, 0, [&](Range rows) {
      activation_kernel<T>(last_activation())
          .differentiate({y.from(rows.begin).data, y.stride}, given.from(rows.begin), last.from(rows.begin),
                         rows.size(), outputs());
      backward_rows(stages_.size() - 1, x.from(rows.begin), rows, to.from(rows.begin));
    });
    backward_stages(team, x, batch, to, watch, 0);
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
  const Range all{0, static_cast<Index>(layers_.size())};
  batch_size = std::min(batch_size, x.rows);
  reserve(inference_, batch_size, 0, {false});
  Watch watch(poll);
  run_team(threads_for(pass_cost() * static_cast<double>(x.rows), batch_size), true, [&](const Team& team) {
    prepare(team, inference_, false, false);
    // Each rank takes its share of all samples through its own rows of the arena: no rank has to wait for another.
    const Range samples = team.split(x.rows), room = team.split(batch_size);
    Index done = 0;
    for (Index first = samples.begin; first < samples.end && !watch.stopped(); first += room.size()) {
      const Batch batch{batch_size, nullptr, first - room.begin};
      const Range taken{room.begin, room.begin + std::min(room.size(), samples.end - first)};
      for_each_slab(team, taken, pass_cost(), watch, done++, [&](Range rows) {
        forward_rows(inference_, all, load_rows(inference_, x, batch, rows), rows, true);
        for (Index i = rows.begin; i < rows.end; ++i) {
          std::copy_n(outputs_of(inference_).row(i), outputs(), out + (batch.first + i) * outputs());
        }
      });
    }
  });
}

template <class T>
void Network<T>::evaluate(const Samples& x, const Objective<T>& objective, Index batch_size, const Poll& poll,
                          Totals& totals) {
  const Range all{0, static_cast<Index>(layers_.size())};
  batch_size = std::min(batch_size, x.rows);
  reserve(inference_, batch_size, objective.metrics.size(), {false});
  totals.metrics.resize(objective.metrics.size());
  Watch watch(poll);
  bool stop = false;  // written by rank 0 between the two barriers of a batch, so that all ranks see the same
  run_team(threads_for(pass_cost() * static_cast<double>(batch_size)), true, [&](const Team& team) {
    measure_parameters(team);
    prepare(team, inference_, false, false);
    for (Index first = 0; first < x.rows && !stop; first += batch_size) {
      const Batch batch{std::min(batch_size, x.rows - first), nullptr, first};
      for_each_slab(team, team.split(batch.rows), pass_cost(), watch, first / batch_size, [&](Range rows) {
        forward_rows(inference_, all, load_rows(inference_, x, batch, rows), rows, !fused(objective.loss));
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
