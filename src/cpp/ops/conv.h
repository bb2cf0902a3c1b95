// The convolution of an image, as products of what its windows see with the weights. Runs of pixels are factors where
// they lie; no patches are made of them.
#pragma once

#include <array>

#include "kernels/activation/args.h"
#include "ops/bands.h"
#include "runtime/team.h"

namespace fastopt::ops {

template <class T>
class Convolver {
 public:
  // The weights: of each group, rows of panels.
  struct Weights {
    const T* data;
    Index group_step, row_stride, panel_stride;
  };

  explicit Convolver(const Convolution& convolution) : c_(convolution), bands_(convolution) {}

  // y = f(conv(x, w) + bias); or y += conv(x, w), where there is neither.
  void forward(const T* x, const T* w, const T* bias, Activate<T> activate, bool accumulate, T* y);
  void forward(const T* x, const Weights& w, const T* bias, Activate<T> activate, bool accumulate, T* y);

  // dw = x' dy, or dw += that, of these units.
  void gradient(const T* x, const T* dy, Range units, bool accumulate, T* dw);

 private:
  Rows<const T> places(const Sight<const T>& seen, const Band& band);
  bool joined(const Sight<const T>& seen, const Piece& piece) const;

  const Convolution c_;
  const Bands<T> bands_;
  // Where places begin, and for what sight that was found.
  std::array<Index, Bands<T>::most_places> starts_;
  Index rows_ = 0, columns_ = 0, line_ = 0, pixel_ = 0;
};

// The gradient of the image.
template <class T>
class InputGradient {
 public:
  explicit InputGradient(const Convolution& convolution);

  // Elements of the panels of the weights' transposes, and this rank's share of making them.
  static Index packed(const Convolution& convolution);
  void pack(const Team& team, const T* w, T* to) const;
  // dx = conv'(dy, w), or dx += that, with w in panels.
  void run(const T* dy, const T* packed, bool accumulate, T* dx);

 private:
  void spread(const T* dy, const T* packed, T* dx) const;

  const Convolution c_;
  const Bands<T> bands_;
  Convolver<T> back_;
};

}  // namespace fastopt::ops
