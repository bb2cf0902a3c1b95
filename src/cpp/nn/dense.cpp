#include "nn/dense.h"

#include "nn/panels.h"

namespace fastopt {

template <class T>
Dense<T>::Dense(Index inputs, Index outputs, bool bias) : Layer<T>(inputs, outputs) {
  this->tensors_.push_back({"kernel", {inputs, outputs}, checked_product(inputs, outputs)});
  if (bias) {
    this->tensors_.push_back({"bias", {outputs}, outputs});
  }
}

template <class T>
double Dense<T>::cost() const {
  return 2.0 * static_cast<double>(kernel().size);
}

// The packed kernel, where it can be needed, then the packed transpose.
template <class T>
Index Dense<T>::packed_kernel_size() const {
  return packs_forward(max_index) ? round_up(packed_size<T>(this->inputs(), this->outputs()), alignment) : 0;
}

template <class T>
Index Dense<T>::workspace() const {
  return packed_kernel_size() + packed_size<T>(this->outputs(), this->inputs());
}

template <class T>
T* Dense<T>::packed_transpose(const Flow<T>& flow) const {
  return flow.workspace + packed_kernel_size();
}

template <class T>
bool Dense<T>::packs_forward(Index rows) const {
  return packing_pays<T>(rows, this->inputs(), this->outputs());
}

template <class T>
bool Dense<T>::prepares(Index rows, bool backward) const {
  return backward || packs_forward(rows);
}

template <class T>
void Dense<T>::prepare(const Team& team, Index rows, bool backward, const Flow<T>& flow) const {
  const T* weights = flow.parameters + kernel().offset;
  if (packs_forward(rows)) {
    pack_share(team, weights, this->outputs(), false, this->inputs(), this->outputs(), flow.workspace);
  }
  if (backward) {
    pack_share(team, weights, this->outputs(), true, this->outputs(), this->inputs(), packed_transpose(flow));
  }
}

template <class T>
void Dense<T>::forward(Index rows, Index batch, const Flow<T>& flow) const {
  const T* weights = flow.parameters + kernel().offset;
  kernels<T>().multiply({.rows = rows,
                         .columns = this->outputs(),
                         .depth = this->inputs(),
                         .a = flow.x,
                         // The flat buffers end with slack, so whole vectors may be read.
                         .b = packs_forward(batch) ? packed_panels<T>(flow.workspace, this->inputs())
                                                   : Panels<T>{weights, this->outputs(), kernels<T>().panel_width, true},
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
                         .b = packed_panels<T>(packed_transpose(flow), this->outputs()),
                         .c = flow.dx,
                         .epilogue = flow.x_activation == 0 ? Epilogue::none : Epilogue::differentiate,
                         .activation = flow.x_activation,
                         .y = flow.x});
}

template <class T>
void Dense<T>::backward_parameters(const Team& team, Index batch, const Flow<T>& flow) const {
  const Range share = team.split(this->inputs(), kernels<T>().tile_rows);
  if (share.size() > 0) {
    Rows<const T> x = flow.x;
    x.data += share.begin;
    kernels<T>().multiply({.rows = share.size(),
                           .columns = this->outputs(),
                           .depth = batch,
                           .a = x,
                           .a_transposed = true,
                           .b = {flow.dy.data, flow.dy.stride, kernels<T>().panel_width, true},
                           .c = {flow.gradients + kernel().offset + share.begin * this->outputs(), this->outputs()}});
  }
  if (bias()) {
    kernels<T>().column_sum(flow.dy, batch, team.split(this->outputs(), alignment), flow.gradients + bias()->offset);
  }
}

template class Dense<float>;
template class Dense<double>;

}  // namespace fastopt
