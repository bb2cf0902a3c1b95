// What is measured, not derived, in the matrix product: the numbers of each instruction set.
#pragma once

#include <algorithm>

#include "core/types.h"
#include "simd/vec.h"

namespace fastopt::FASTOPT_ISA {

struct Blocking {
  // A register tile has `rows` x `vectors` accumulators, or `narrow_rows` rows where there are half as many vectors;
  // its loop over the depth is unrolled so many times. At least `chains` sums under way hide the time that one addition
  // takes.
  int rows, vectors, narrow_rows, unroll, chains;
  // Bytes of a slice of a panel of b and of a tile's rows of a, which stay in the first-level cache, and of the rows of
  // a that meet this slice. More than the second-level cache holds can pay: they are read in order, while each block of
  // rows gathers the slices of b anew.
  Index slice_bytes, a_bytes;
  // Where rows of c lie a multiple of 4 KiB apart, a tile's lines of c have left the first-level cache when they are
  // written. There they are asked for so many steps of the depth before, or never.
  Index c_ahead;
  // Up to so many rows of a read b row by row, where its rows have at least so many bytes.
  int few_rows;
  Index few_rows_bytes;
  // A slice of b is copied where at least `copy_b_rows` rows of a meet it and it spans at least `copy_b_span` bytes:
  // more pages than the processor knows at a time. Rows of a are copied where at least so many columns of b meet them,
  // which are fewer where a is transposed.
  Index copy_b_rows, copy_b_span, copy_a_columns, copy_transposed_a_columns;
  // Whether tiles ask for the next rows of a where they come from memory.
  bool asks_for_a;
};

// Found by trying squares of 96 to 1024 and the layers of the networks in the benchmark. Unrolled, the tiles of 16
// registers keep sums on the stack.
inline constexpr Blocking blocking =
#if defined(__AVX512F__)
    {6, 4, 8, 4, 8, 71680, 196608, 0, 0, 0, 128, 1 << 18, max_index, max_index, false};
#elif defined(__aarch64__)
    {6, 4, 8, 4, 8, 30720, 196608, 0, 0, 0, 128, 1 << 18, max_index, max_index, false};
#elif defined(__AVX2__)
    {6, 2, 8, 1, 8, 30096, 700416, 24, 2, 1024, 16, 1 << 18, 512, 96, true};
#else
    {6, 2, 8, 1, 8, 28160, 700416, 24, 2, 1024, 16, 1 << 18, 512, 96, false};
#endif

template <class T>
inline constexpr int panel_width = blocking.vectors * lanes<T>;

template <class T>
inline constexpr Index depth_block =
    blocking.slice_bytes / ((panel_width<T> + blocking.rows) * static_cast<Index>(sizeof(T)));

template <class T>
inline constexpr Index row_block = blocking.a_bytes / (depth_block<T> * static_cast<Index>(sizeof(T)));

}  // namespace fastopt::FASTOPT_ISA
