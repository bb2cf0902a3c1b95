#include "train/curvature.h"

#include "train/chunks.h"

namespace fastopt {

namespace {

constexpr Index max_bytes = Index{1} << 27;

}  // namespace

// Whether values are kept, and whether they are known already.
template <class T>
void CurvatureProducts<T>::find(const Batch& samples, const T* parameters, Index chunk_rows) {
  const Index size = network_.plan.parameters;
  const bool again = samples.rows == samples_.rows && samples.index == samples_.index &&
                     samples.first == samples_.first && std::equal(parameters, parameters + size, at_.data());
  known_ &= again;
  if (!again) {
    at_ = at_.size() < size ? Buffer<T>(size) : std::move(at_);
    std::copy_n(parameters, size, at_.data());
    samples_ = samples;
  }
  chunk_size_ = 0;
  for (const auto& level : network_.curvature.arena().levels) {
    chunk_size_ += 2 * chunk_rows * level.y.stride;
  }
  const Index needed = chunk_size_ * ((samples.rows + chunk_rows - 1) / chunk_rows);
  // A loss that takes values before their activation, while others take them after it, would find them changed.
  keeps_ = (again || values_.size() > 0) && objective_.splits.empty() && !network_.plan.penalizes_values() &&
           needed <= max_bytes / static_cast<Index>(sizeof(T));
  if (keeps_ && values_.size() < needed) {
    known_ = false;
    values_ = Buffer<T>(needed);
  }
}

// Values of a chunk, with room for their derivatives, lie in memory of their own.
template <class T>
void CurvatureProducts<T>::place(Levels& levels, Index chunk) {
  T* next = values_.data() + chunk * chunk_size_;
  for (auto& level : levels) {
    if (level.y.data) {
      level.y.data = next;
      next += 2 * network_.curvature.arena().along * level.y.stride;
    }
  }
}

template <class T>
bool CurvatureProducts<T>::operator()(const Batch& samples, Curvature which, const T* parameters, const T* direction,
                                      std::span<double> product, Watch& watch) {
  const Index rows = std::min(chunk_rows(network_.plan), samples.rows);
  Memory<T>& memory = network_.curvature;
  memory.reserve(network_.plan, {.along = true}, {.rows = rows, .metrics = objective_.metrics(), .gradients = true});
  find(samples, parameters, memory.arena().along);
  Pass<T> pass =
      network_.pass(memory, {.ends = Task::Ends::objective, .gradients = true, .splits = objective_.splits}, watch);
  memory.penalties.clear();  // they are added once, not with each chunk
  pass.parameters = parameters;
  pass.direction = direction;
  pass.linearized = which == Curvature::gauss_newton;
  pass.known = std::exchange(known_, false);
  pass.x = x_;
  pass.objective = &objective_;
  pass.samples = samples.rows;
  Buffer<T> part(network_.parameters.size());
  AccumulateSink<T> sink(part.data(), product, watch, 4 * static_cast<double>(rows));
  std::ranges::fill(product, 0.0);
  Levels& levels = memory.arena().levels;
  const Levels own = levels;
  if (keeps_) {
    place(levels, 0);
  }
  bool stop = false;  // written by rank 0 between two barriers, so that all ranks see the same
  run_team(threads_for(8 * network_.plan.cost() * static_cast<double>(rows)), true, [&](const Team& team) {
    Pass<T> mine = pass;
    Runner<T>(team, mine, false).prepare();
    team.barrier();
    for (Index first = 0; first < samples.rows && !stop; first += rows) {
      mine.batch = {.rows = std::min(rows, samples.rows - first),
                    .index = samples.index ? samples.index + first : nullptr,
                    .first = samples.index ? 0 : samples.first + first};
      Runner<T> runner(team, mine);
      runner.run();
      team.barrier();
      runner.differentiate(sink);
      team.barrier();
      if (team.rank() == 0) {
        stop = watch.stopped();
        if (keeps_ && first + rows < samples.rows) {
          place(levels, first / rows + 1);
        }
      }
      team.barrier();
    }
  });
  levels = own;
  known_ = keeps_ && !stop;
  for_each_penalized(network_.plan, [&](const TensorSpec& tensor, Index, Index) {
    T* const of_penalty = part.data() + tensor.offset;
    tensor.penalty.multiply_hessian(direction + tensor.offset, 1, of_penalty, tensor.size);
    for (Index i = 0; i < tensor.size; ++i) {
      product[static_cast<std::size_t>(tensor.offset + i)] += static_cast<double>(of_penalty[i]);
    }
  });
  return !stop;
}

template class CurvatureProducts<float>;
template class CurvatureProducts<double>;

}  // namespace fastopt
