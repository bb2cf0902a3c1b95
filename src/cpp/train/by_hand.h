// The passes of a loop of the caller's own: forward and backward.
#pragma once

#include <span>

#include "nn/network.h"

namespace fastopt {

// A pass in training that keeps what `backward` needs; outputs [rows, columns] of each. It ends early where the poll
// asks to stop; what it wrote is then of no use.
template <class T>
void forward(Network<T>& network, std::span<const Samples> x, std::span<T* const> outputs, const Poll& poll);

// Fills the gradients from dy [rows, columns] of each output; dx is that of each input. Once for each forward pass,
// because the state of layers takes its step. False, with nothing done, where the last forward pass had another number
// of rows. Throws std::runtime_error where the instruction set has changed since.
template <class T>
bool backward(Network<T>& network, Index rows, std::span<const T* const> dy, std::span<T* const> dx, const Poll& poll);

}  // namespace fastopt
