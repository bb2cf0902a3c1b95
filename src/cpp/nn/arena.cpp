#include "nn/arena.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace fastopt {

namespace {

template <class T>
class Layout {
 public:
  // `along`: of each row, room for its derivatives too.
  Layout(T* memory, Index rows, bool along) : memory_(memory), rows_(rows), all_rows_(along ? 2 * rows : rows) {}

  T* take(Index size) {
    T* const place = memory_ ? memory_ + used_ : nullptr;
    if (__builtin_add_overflow(used_, round_up(size, alignment), &used_)) {
      throw std::length_error("a batch of " + std::to_string(rows_) + " rows is too large");
    }
    return place;
  }
  Rows<T> rows(Index columns) {
    const Index stride = padded_stride<T>(columns);
    return {take(checked_product(all_rows_, stride)), stride, nullptr};
  }
  Rows<std::byte> bytes(Index size) {
    const Rows<T> place = rows((size + static_cast<Index>(sizeof(T)) - 1) / static_cast<Index>(sizeof(T)));
    return {reinterpret_cast<std::byte*>(place.data), place.stride * static_cast<Index>(sizeof(T)), nullptr};
  }
  Index used() const { return used_; }

 private:
  T* memory_;
  Index rows_, all_rows_, used_ = 0;
};

// The part of the flat parameters that a node's tensors take.
template <class T>
Range trained_part(const Plan<T>& plan, Index node) {
  Range part{std::numeric_limits<Index>::max(), 0};
  for (const TensorSpec& tensor : plan.tensors(node)) {
    if (tensor.trained) {
      part = {std::min(part.begin, tensor.offset), std::max(part.end, tensor.offset + tensor.size)};
    }
  }
  return part.end > 0 ? part : Range{0, 0};
}

template <class T>
void lay_out(Arena<T>& arena, const Plan<T>& plan, const Wiring& wiring, Mode mode, const Capacity& capacity,
             Layout<T>& layout) {
  const auto used_elsewhere = [&](Index node) { return wiring[node].uses.size() > 1; };
  arena.levels.assign(plan.nodes.size(), {});
  for (Index i = plan.inputs; i < static_cast<Index>(plan.nodes.size()); ++i) {
    if (!wiring[i].computes) {
      continue;
    }
    const Layer<T>& layer = plan.node(i).layer;
    const std::vector<Phase<T>>& forward = plan.node(i).phases(mode).forward;
    typename Arena<T>::Level& level = arena.levels[static_cast<std::size_t>(i)];
    level.y = layout.rows(layer.outputs);
    if (capacity.gradients) {
      level.dy = layout.rows(layer.outputs);
      for (const Index source : wiring[i].sources) {
        level.branches.push_back(!used_elsewhere(source) ? Rows<T>{}
                                 : layer.shares_gradient ? level.dy
                                                         : layout.rows(plan.columns(source)));
      }
      if (plan.node(i).activity.any()) {
        level.spare = layout.rows(layer.outputs);
      }
      if (plan.node(i).owner != i) {
        const Range part = trained_part(plan, i);
        T* const place = layout.take(part.size());
        level.gradients = place ? place - part.begin : nullptr;
      }
    }
    if (layer.saved > 0) {
      level.saved = layout.bytes(layer.saved);
    }
    const bool forward_works = std::ranges::any_of(forward, [](const auto& phase) { return phase.over != Over::rows; });
    if (layer.workspace && (capacity.gradients || forward_works)) {
      level.workspace = layout.take((mode.along ? 2 : 1) * layer.workspace());
    }
  }
  arena.x.clear();
  for (Index i = 0; i < plan.inputs; ++i) {
    arena.x.push_back(layout.rows(plan.columns(i)));
  }
  arena.outputs.clear();
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    const Index columns = plan.columns(plan.outputs[i]);
    typename Arena<T>::Output output{
        .other = layout.rows(columns), .branch = {}, .loss = layout.take(capacity.rows), .metrics = {}};
    if (capacity.gradients && used_elsewhere(wiring.outputs[i])) {
      output.branch = layout.rows(columns);
    }
    for (std::size_t metric = 0; i < capacity.metrics.size() && metric < capacity.metrics[i]; ++metric) {
      output.metrics.push_back(layout.take(capacity.rows));
    }
    arena.outputs.push_back(std::move(output));
  }
  arena.penalty = plan.penalizes_values() ? layout.take(capacity.rows) : nullptr;
  if (mode.along) {
    arena.along = capacity.rows;
    Index columns = 0;
    for (const Node<T>& node : plan.nodes) {
      columns = std::max(columns, node.layer.outputs);
    }
    arena.zeros = {layout.take(columns), 0, nullptr};
  }
}

template <class T>
Index slab_rows_of(const Plan<T>& plan) {
  Index bytes = 1;
  for (auto i = static_cast<std::size_t>(plan.inputs); i < plan.nodes.size(); ++i) {
    bytes += 2 * padded_stride<T>(plan.nodes[i].layer.outputs) * static_cast<Index>(sizeof(T));
  }
  // A slab takes some 20 ms at most, so that an interrupt is heard in time. It is not so small that it is the weights
  // that are read: each is used once a row by a dense layer, and more often by a convolution.
  const double cost = std::max(1.0, plan.cost());
  const double least = std::clamp(48.0 * 2.0 * static_cast<double>(plan.parameters) / cost, 1.0, 48.0);
  const double rows = std::clamp(5e8 / cost, least, 192.0);
  return std::max(static_cast<Index>(rows), (Index{1} << 18) / bytes);
}

}  // namespace

template <class T>
Arena<T> make_arena(const Plan<T>& plan, const Wiring& wiring, Mode mode, const Capacity& capacity) {
  Arena<T> arena;
  Layout<T> measured(nullptr, capacity.rows, mode.along);
  lay_out(arena, plan, wiring, mode, capacity, measured);
  arena.memory = Buffer<T>(measured.used());
  Layout<T> layout(arena.memory.data(), capacity.rows, mode.along);
  lay_out(arena, plan, wiring, mode, capacity, layout);
  return arena;
}

template <class T>
void Memory<T>::reserve(const Plan<T>& plan, Mode mode, Capacity capacity) {
  bool enough = capacity.rows <= capacity_.rows && capacity.gradients <= capacity_.gradients &&
                table_ == &kernel_table() && mode_ == mode;
  for (std::size_t i = 0; i < capacity.metrics.size(); ++i) {
    enough = enough && capacity.metrics[i] <= capacity_.metrics[i];
  }
  if (enough) {
    return;
  }
  capacity.metrics.resize(plan.outputs.size());
  capacity.rows = std::max(capacity.rows, capacity_.rows);
  capacity.gradients |= capacity_.gradients;
  for (std::size_t i = 0; i < capacity_.metrics.size(); ++i) {
    capacity.metrics[i] = std::max(capacity.metrics[i], capacity_.metrics[i]);
  }
  // Made aside: where memory is short, all stays as it was.
  Wiring wiring = make_wiring(plan, mode);
  Arena<T> arena = make_arena(plan, wiring, mode, capacity);
  wiring_ = std::move(wiring);
  slab_rows_ = slab_rows_of(plan);
  arena_ = std::move(arena);
  capacity_ = std::move(capacity);
  mode_ = mode;
  table_ = &kernel_table();
  reset();
}

template <class T>
const Schedule& Memory<T>::schedule(const Plan<T>& plan, const Task& task) {
  const auto found = std::ranges::find(schedules_, task, &std::pair<Task, Schedule>::first);
  if (found != schedules_.end()) {
    return found->second;
  }
  return schedules_.emplace_back(task, make_schedule(plan, wiring_, mode_, task)).second;
}

template Arena<float> make_arena(const Plan<float>&, const Wiring&, Mode, const Capacity&);
template Arena<double> make_arena(const Plan<double>&, const Wiring&, Mode, const Capacity&);
template class Memory<float>;
template class Memory<double>;

}  // namespace fastopt
