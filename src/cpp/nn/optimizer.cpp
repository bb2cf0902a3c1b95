#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>

namespace fastopt {

namespace {

template <class T>
std::vector<Index> offsets_of(const std::vector<Tensor<T>>& tensors) {
  std::vector<Index> offsets{0};
  for (const Tensor<T>& tensor : tensors) {
    offsets.push_back(offsets.back() + round_up(tensor.size, alignment));
  }
  return offsets;
}

std::vector<std::string_view> slots_of(int rule, const std::vector<Extra>& given) {
  const auto own = rules()[static_cast<std::size_t>(rule)].slots;
  std::vector<std::string_view> names(own.begin(), own.end());
  for (const Extra extra : given) {
    if (const std::string_view slot = extras()[static_cast<std::size_t>(extra)].slot; !slot.empty()) {
      names.push_back(slot);
    }
  }
  return names;
}

template <class T>
std::vector<Tensor<T>> with_slots(std::vector<Tensor<T>> tensors, int rule, const std::vector<Extra>& given,
                                  std::vector<Buffer<T>>& slots, const std::vector<Index>& offsets) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::size_t next = 0;
    for (; next < rules()[static_cast<std::size_t>(rule)].slots.size(); ++next) {
      tensors[i].slots[next] = slots[next].data() + offsets[i];
    }
    for (const Extra extra : given) {
      const auto kind = static_cast<std::size_t>(extra);
      if (!extras()[kind].slot.empty()) {
        tensors[i].extra_slots[kind] = slots[next++].data() + offsets[i];
      }
    }
  }
  return tensors;
}

}  // namespace

template <class T>
std::vector<Tensor<T>> tensors_of(Network<T>& network) {
  std::vector<Tensor<T>> tensors;
  for (const auto& layer : network.layers()) {
    for (const TensorSpec& spec : layer->tensors()) {
      if (spec.trained) {
        tensors.push_back({.size = spec.size,
                           .parameter = network.parameters() + spec.offset,
                           .gradient = network.gradients() + spec.offset});
      }
    }
  }
  return tensors;
}

template <class T>
Optimizer<T>::Optimizer(int rule, const std::vector<Extra>& extras, std::vector<Tensor<T>> tensors)
    : slot_names_(slots_of(rule, extras)),
      slots_([&] {
        std::vector<Buffer<T>> buffers;
        buffers.reserve(slot_names_.size());
        for (std::size_t i = 0; i < slot_names_.size(); ++i) {
          buffers.emplace_back(offsets_of(tensors).back());
        }
        return buffers;
      }()),
      offsets_(offsets_of(tensors)),
      updater_(rule, extras, with_slots(std::move(tensors), rule, extras, slots_, offsets_)) {}

template <class T>
std::vector<T*> Optimizer<T>::slots(std::size_t tensor) {
  std::vector<T*> result;
  result.reserve(slots_.size());
  for (Buffer<T>& buffer : slots_) {
    result.push_back(buffer.data() + offsets_[tensor]);
  }
  return result;
}

template <class T>
Outcome Optimizer<T>::train(Network<T>& network, const Run& run, Totals& totals) {
  const Index rows = std::min(run.batch_size, run.x.rows);
  network.reserve(rows, run.objective);
  totals.metrics.resize(run.objective.metrics.size());
  Watch watch(run.poll);
  // Written by rank 0 where the others do not read it, with a barrier on either side.
  Outcome outcome = Outcome::finished;
  std::vector<double> hyper(run.hyper.size());
  bool by_parts = true;
  // The parameters are updated while their gradients are in cache; nothing reads them before the step's last barrier.
  const PartDone update_part = [&](Range part) {
    if (by_parts) {
      const auto tensor =
          static_cast<std::size_t>(std::ranges::upper_bound(offsets_, part.begin) - offsets_.begin() - 1);
      updater_.part(tensor, {part.begin - offsets_[tensor], part.end - offsets_[tensor]});
    }
    return true;
  };
  Index done = 0;
  while (done < run.batches && outcome == Outcome::finished) {
    const Index begin = done;
    // A team that turns out to be crowded gives way to another, perhaps of one thread, which tries a larger one now and
    // then.
    bool leave = false;
    const int threads = threads_for(network.step_cost(rows));
    run_team(threads, true, [&](const Team& team) {
      for (Index b = begin; b < run.batches; ++b) {
        const Index first = (run.first_batch + b) * run.batch_size;
        Batch batch{std::min(run.batch_size, run.x.rows - first)};
        if (run.order) {
          batch.index = run.order + first;
        } else {
          batch.first = first;
        }
        if (team.rank() == 0) {
          for (std::size_t i = 0; i < hyper.size(); ++i) {
            hyper[i] = run.hyper[i].values[b * run.hyper[i].stride];
          }
          updater_.begin(hyper);
          by_parts = updater_.by_parts();
        }
        if (updater_.looks_ahead()) {
          team.barrier();
          updater_.look_ahead(team);
          team.barrier();
        }
        network.pass(team, run.x, batch, run.objective, watch, b);
        if (team.rank() == 0) {
          if (watch.stopped()) {
            outcome = Outcome::stopped;
          } else {
            network.add_totals(batch, run.objective, totals);
            if (!std::isfinite(totals.loss)) {
              outcome = Outcome::not_finite;
            }
          }
          leave = threads > 1 ? team.crowded() : threads_for(network.step_cost(rows)) > 1;
        }
        team.barrier();
        if (outcome != Outcome::finished) {
          if (updater_.looks_ahead()) {
            updater_.look_back(team);
          }
          return;
        }
        network.backward_parameters(team, run.x, batch, update_part);
        if (!by_parts) {
          team.barrier();
          updater_.whole(team);
        }
        const bool constrains = network.constrained() && !updater_.holds();
        team.barrier();
        if (constrains) {
          network.constrain(team);
          team.barrier();
        }
        if (team.rank() == 0) {
          updater_.end();
          ++network.draws;
          done = b + 1;
        }
        if (leave) {
          return;
        }
      }
    });
  }
  return outcome;
}

template class Optimizer<float>;
template class Optimizer<double>;
template std::vector<Tensor<float>> tensors_of(Network<float>&);
template std::vector<Tensor<double>> tensors_of(Network<double>&);

}  // namespace fastopt
