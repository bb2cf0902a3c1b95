#include "nn/dense.h"

#include <algorithm>

#include "nn/panels.h"

namespace fastopt {

template <class T>
Dense<T>::Dense(Index inputs, Index outputs, bool bias) : Layer<T>(inputs, outputs) {
  this->add_tensor("kernel", {inputs, outputs});
  if (bias) {
    this->add_tensor("bias", {outputs});
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
  pack_share(team, flow.parameters + kernel().offset, this->outputs(), true, this->outputs(), this->inputs(),
             flow.workspace);
}

template <class T>
void Dense<T>::forward(Index rows, const Flow<T>& flow) const {
  kernels<T>().multiply({.rows = rows,
                         .columns = this->outputs(),
                         .depth = this->inputs(),
                         .a = flow.x,
                         // The flat buffers end with slack, so whole vectors may be read.
                         .b = {flow.parameters + kernel().offset, this->outputs(), kernels<T>().panel_width, true},
                         .c = flow.y,
                         .bias = bias() ? flow.parameters + bias()->offset : nullptr,
                         .epilogue = flow.activation == 0 ? Epilogue::none : Epilogue::activate,
                         .activation = flow.activation});
}

template <class T>
void Dense<T>::backward_input(Index rows, const Flow<T>& flow) const {
  kernels<T>().multiply({.rows = rows,
                         .columns = this->inputs(),
                         .depth = this->outputs(),
                         .a = flow.dy,
                         .b = packed_panels<T>(flow.workspace, this->outputs(), this->inputs()),
                         .c = flow.dx,
                         .epilogue = flow.x_activation == 0 ? Epilogue::none : Epilogue::differentiate,
                         .activation = flow.x_activation,
                         .y = flow.x});
}

template <class T>
bool Dense<T>::backward_parameters(const Team& team, Index batch, const Flow<T>& flow, const PartDone& done) const {
  constexpr Index grain = 16, part_size = 65536;  // rows that are whole vectors; elements that stay in cache
  const Index outputs = this->outputs();
  const Range share = team.split(this->inputs(), grain);
  const Index part = std::max(grain, part_size / outputs / grain * grain);
  for (Index first = share.begin; first < share.end; first += part) {
    const Index rows = std::min(part, share.end - first);
    const Index offset = kernel().offset + first * outputs;
    Rows<const T> x = flow.x;
    x.data += first;
    kernels<T>().multiply({.rows = rows,
                           .columns = outputs,
                           .depth = batch,
                           .a = x,
                           .a_transposed = true,
                           .b = {flow.dy.data, flow.dy.stride, kernels<T>().panel_width, true},
                           .c = {flow.gradients + offset, outputs}});
    if (!done({offset, offset + rows * outputs})) {
      return false;
    }
  }
  if (bias()) {
    const Range columns = team.split(outputs, alignment);
    kernels<T>().column_sum(flow.dy, batch, columns, flow.gradients + bias()->offset);
    return done({bias()->offset + columns.begin, bias()->offset + columns.end});
  }
  return true;
}

template class Dense<float>;
template class Dense<double>;

}  // namespace fastopt
