// The basic types: indices, ranges, matrices by row, element types, and how the features of a row are laid out.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fastopt {

using Index = std::int64_t;
inline constexpr Index max_index = INT64_MAX;

struct Range {
  Index begin, end;
  Index size() const { return end - begin; }
};

// A matrix with unit column stride; where `index` is given, row i is row index[i] of what `data` points to.
template <class T>
struct Rows {
  T* data = nullptr;
  Index stride = 0;
  const Index* index = nullptr;

  T* row(Index i) const { return data + (index ? index[i] : i) * stride; }
  // Rows first, first + 1, ...
  Rows from(Index first) const {
    return index ? Rows{data, stride, index + first} : Rows{data + first * stride, stride, nullptr};
  }
  operator Rows<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, stride, index};
  }
};

// The rows of a sparse matrix: the entries of row i, or index[i], are starts[i]..starts[i + 1] - 1, in the order of
// their columns; those of one column add up.
template <class T>
struct SparseRows {
  const Index* starts = nullptr;
  const std::int32_t* columns = nullptr;
  const T* values = nullptr;
  const Index* index = nullptr;

  Range entries(Index i) const {
    const Index row = index ? index[i] : i;
    return {starts[row], starts[row + 1]};
  }
  // Rows first, first + 1, ...
  SparseRows from(Index first) const {
    return index ? SparseRows{starts, columns, values, index + first}
                 : SparseRows{starts + first, columns, values, nullptr};
  }
};

// The arguments of a kernel for some of its rows, which are those of each of these members.
template <class Args, class... Members>
Args for_rows(Args args, Range rows, Members... members) {
  args.rows = rows.size();
  ((args.*members = (args.*members).from(rows.begin)), ...);
  return args;
}

// The features of a row: [channels, space] or, channels last, [space, channels].
struct Features {
  Index channels, space = 1;
  bool channels_last = false;

  Index size() const { return channels * space; }
};

// Element types of the arrays that samples may come in.
enum class Type : std::uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

}  // namespace fastopt
