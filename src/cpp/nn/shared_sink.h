// The gradients of tensors that several nodes use, as one.
#pragma once

#include "kernels/update/args.h"
#include "nn/pass.h"

namespace fastopt {

// Those of the others are added to the owner's, part by part.
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

}  // namespace fastopt
