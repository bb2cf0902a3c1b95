// Rows of a table by their numbers: x holds ids, and y the rows that they name, one behind the other.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/update/args.h"
#include "nn/layers/dense.h"

namespace fastopt {

// A table [rows, units], of which each column of ids has some rows: its first, and how many.
struct IdTable {
  Index rows, units;
  std::vector<Index> first, count;

  // Those outside, which only come of memory that was changed after its check, are taken for the nearest.
  template <class T>
  Index row(std::size_t column, T id) const {
    return first[column] + (id > 0 ? static_cast<Index>(std::min(id, static_cast<T>(count[column] - 1))) : 0);
  }
};

template <class T>
void look_up(const IdTable& table, Rows<const T> ids, const T* w, Index rows, Rows<T> y) {
  for (Index i = 0; i < rows; ++i) {
    T* to = y.row(i);
    for (std::size_t c = 0; c < table.first.size(); ++c, to += table.units) {
      std::copy_n(w + table.row(c, ids.row(i)[c]) * table.units, table.units, to);
    }
  }
}

// f(row of the table, gradient of its copy) for the ids that name rows of this part.
template <class T, class F>
void for_each_id(const IdTable& table, const View<T>& v, Range part, F&& f) {
  for (std::size_t c = 0; c < table.first.size(); ++c) {
    if (table.first[c] >= part.end || table.first[c] + table.count[c] <= part.begin) {
      continue;
    }
    for (Index i = 0; i < v.rows; ++i) {
      const Index row = table.row(c, v.in[0].x.row(i)[c]);
      if (row >= part.begin && row < part.end) {
        f(row, v.out.dy.row(i) + static_cast<Index>(c) * table.units);
      }
    }
  }
}

// The whole gradient; or, where the sink takes rows by themselves and `lazy`, that of the rows that are named.
template <class T>
void table_gradient(const IdTable& table, bool lazy, const View<T>& v, const Team& team) {
  const Index units = table.units, offset = v.tensors.offset(0);
  T* const dw = v.sink->gradients() + offset;
  const auto add = [&](Index row, const T* dy) { kernels<T>().update.add(dy, dw + row * units, units); };
  if (!lazy || !v.sink->by_rows()) {
    for_each_part(v, team, 0, table.rows, units, [&](Range part) {
      std::fill_n(dw + part.begin * units, part.size() * units, T(0));
      for_each_id(table, v, part, add);
    });
    return;
  }
  T* const named = v.workspace;  // of each row, whether it has been seen; 0 before and after
  const Range part = team.split(table.rows, alignment);
  for_each_id(table, v, part, [&](Index row, const T* dy) {
    if (named[row] == 0) {
      named[row] = 1;
      std::fill_n(dw + row * units, units, T(0));
    }
    add(row, dy);
  });
  for_each_id(table, v, part, [&](Index row, const T*) {
    if (named[row] != 0) {
      named[row] = 0;
      v.sink->take(team, {offset + row * units, offset + (row + 1) * units});
    }
  });
}

template <class T>
Layer<T> embedding(const IdTable& table, bool lazy) {
  const auto forward = [=](const View<T>& v) {
    look_up(table, v.in[0].x, v.tensors.parameter(0), v.rows, v.out.y);
    activate(v);
  };
  const auto backward = [](const View<T>& v) {  // ids have no gradient
    for (Index i = 0; i < v.rows; ++i) {
      std::fill_n(v.in[0].dx.row(i), v.in[0].columns, T(0));
    }
  };
  Layer<T> layer =
      row_layer<T>(static_cast<Index>(table.first.size()) * table.units, over_rows<T>(forward), over_rows<T>(backward));
  add_tensor(layer, "embeddings", {table.rows, table.units});
  layer.takes_ids = true;
  layer.lazy = lazy;
  if (lazy) {
    layer.workspace = [rows = table.rows] { return rows; };
  }
  layer.training.gradient = {
      over_parameters<T>([=](const View<T>& v, const Team& team) { table_gradient(table, lazy, v, team); })};
  layer.inference = layer.training;
  const auto forward_along = [=](const View<T>& v) {
    forward(v);
    if (const T* const direction = v.along->tensors.parameter(0)) {
      look_up(table, v.in[0].x, direction, v.rows, v.along->out.y);
    } else {
      for (Index i = 0; i < v.rows; ++i) {
        std::fill_n(v.along->out.y.row(i), v.out.columns, T(0));
      }
    }
  };
  const auto gradient_along = [=](const View<T>& v, const Team& team) {
    View<T> derivatives = v;
    derivatives.out = v.along->out;
    table_gradient(table, false, derivatives, team);
  };
  layer.curvature = {{over_rows<T>(forward_along)}, {over_rows<T>(backward)}, {over_parameters<T>(gradient_along)}};
  return layer;
}

template <class T>
Kinds<T> embedding_kinds() {
  return {{"embedding", {[](Sizes in, const LayerSpec&, Numbers& n) {
             IdTable table{0, n.count("units"), {}, {}};
             const bool shared = n.optional("ids") > 0;
             for (Index c = 0; c < in[0]; ++c) {
               table.first.push_back(shared ? 0 : table.rows);
               table.count.push_back(n.count(shared ? "ids" : "ids_" + std::to_string(c)));
               table.rows = table.first.back() + table.count.back();
               if (sizeof(T) == 4 && table.count.back() > Index{1} << 24) {
                 throw std::invalid_argument("float32 holds ids up to 16777216: use dtype='float64'");
               }
             }
             return embedding<T>(table, n.flag("lazy"));
           }}}};
}

}  // namespace fastopt
