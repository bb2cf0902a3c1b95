#include "nn/dense.h"

#include "kernels/product/args.h"
#include "kernels/reduce/args.h"
#include "ops/panels.h"
#include "runtime/scratch.h"

namespace fastopt {

template <class T>
Dense<T>::Dense(Index inputs, Index outputs, bool bias, bool trained) : Layer<T>(inputs, outputs), bias_(bias) {
  this->add_tensor("kernel", {inputs, outputs}, trained);
  if (bias) {
    this->add_tensor("bias", {outputs}, trained);
  }
}

template <class T>
double Dense<T>::cost() const {
  return 2.0 * static_cast<double>(kernel().size);
}

template <class T>
Index Dense<T>::workspace() const {
  return packed_size<T>(this->outputs(), this->inputs());
}

template <class T>
void Dense<T>::prepare_backward(const Team& team, const Flow<T>& flow) const {
  pack_share(team, weights(flow), this->outputs(), true, this->outputs(), this->inputs(), flow.workspace);
}

template <class T>
void Dense<T>::forward(Index rows, const Flow<T>& flow) const {
  kernels<T>().product.multiply({.rows = rows,
                                 .columns = this->outputs(),
                                 .depth = this->inputs(),
                                 .a = flow.x,
                                 // W is followed by slack, so whole vectors may be read.
                                 .b = {weights(flow), this->outputs(), kernels<T>().product.panel_width, true},
                                 .c = flow.y,
                                 .bias = bias() ? values(flow, *bias()) : nullptr,
                                 .activate = fused_activate<T>(flow.activation),
                                 .scratch = scratch()});
  if (!is_fused(flow.activation)) {
    this->activate(rows, flow);
  }
}

template <class T>
void Dense<T>::backward_input(Index rows, const Flow<T>& flow) const {
  kernels<T>().product.multiply({.rows = rows,
                                 .columns = this->inputs(),
                                 .depth = this->outputs(),
                                 .a = flow.dy,
                                 .b = packed_panels<T>(flow.workspace, this->outputs(), this->inputs()),
                                 .c = flow.dx,
                                 .differentiate = fused_differentiate<T>(flow.x_activation),
                                 .y = flow.x,
                                 .scratch = scratch()});
  if (!is_fused(flow.x_activation)) {
    this->differentiate(rows, flow);
  }
}

template <class T>
bool Dense<T>::backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const {
  if (!kernel().trained) {
    return true;
  }
  const auto multiply = [&](Range rows) {
    Rows<const T> x = flow.x;
    x.data += rows.begin;
    kernels<T>().product.multiply(
        {.rows = rows.size(),
         .columns = this->outputs(),
         .depth = batch,
         .a = x,
         .a_transposed = true,
         .b = {flow.dy.data, flow.dy.stride, kernels<T>().product.panel_width, true},
         .c = {flow.gradients + kernel().offset + rows.begin * this->outputs(), this->outputs()},
         .scratch = scratch()});
  };
  return for_each_part(team, batch, multiply, done) && backward_bias(team, batch, flow, done);
}

template <class T>
bool Dense<T>::backward_bias(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const {
  // The last rank first: where there are few rows of the kernel, it is the first ranks that have them.
  constexpr Index line = alignment / Index{sizeof(T)};
  const Range columns = Team::share(this->outputs(), line, team.size() - 1 - team.rank(), team.size());
  if (!bias() || columns.size() == 0) {
    return true;
  }
  kernels<T>().reduce.column_sum(flow.dy, batch, columns, flow.gradients + bias()->offset);
  return done({bias()->offset + columns.begin, bias()->offset + columns.end});
}

template class Dense<float>;
template class Dense<double>;

}  // namespace fastopt
