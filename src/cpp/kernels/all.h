// All kernels of one element type.
#pragma once

#include "kernels/activation.h"
#include "kernels/batch_norm.h"
#include "kernels/column_sum.h"
#include "kernels/elementwise.h"
#include "kernels/gather.h"
#include "kernels/group_norm.h"
#include "kernels/loss.h"
#include "kernels/maxout.h"
#include "kernels/metric.h"
#include "kernels/prelu.h"
#include "kernels/product/multiply.h"
#include "kernels/reduce.h"
#include "kernels/rows.h"
#include "kernels/table.h"
#include "kernels/update.h"

namespace fastopt::FASTOPT_ISA {

// The register tiles and the sums are compiled in files of their own.
extern template void multiply<float>(const Product<float>&);
extern template void multiply<double>(const Product<double>&);
extern template double sum<float>(const float*, Index);
extern template double sum<double>(const double*, Index);
extern template double sum_of_squares<float>(const float*, Index);
extern template double sum_of_squares<double>(const double*, Index);

template <class T>
inline constexpr Kernels<T> kernels{
    .panel_width = panel_width<T>,
    .packed_width = packed_width<T>,
    .multiply = multiply<T>,
    .pack = pack<T>,
    .column_sum = column_sum<T>,
    .activate = activate_kernels<T>,
    .differentiate = differentiate_kernels<T>,
    .exp = exp_array<T>,
    .log = log_array<T>,
    .loss = loss_kernels<T>,
    .metric = metric_kernels<T>,
    .group_norm = group_norm<T>,
    .group_norm_backward = group_norm_backward<T>,
    .batch_norm = batch_norm<T>,
    .batch_norm_backward = batch_norm_backward<T>,
    .group_norm_sums = group_norm_sums<T>,
    .batch_moments = batch_moments<T>,
    .batch_norm_sums = batch_norm_sums<T>,
    .inverse_deviation = inverse_deviation<T>,
    .prelu = prelu<T>,
    .prelu_sums = prelu_sums<T>,
    .largest_pieces = largest_pieces<T>,
    .spread_pieces = spread_pieces<T>,
    .update = update_kernels<T>,
    .finish = finish_kernels<T>,
    .look_ahead = look_ahead_kernels<T>,
    .adjust = adjust<T>,
    .approach = approach<T>,
    .shrink = shrink<T>,
    .add = add<T>,
    .gather = gather<T>,
    .multiply_by = multiply_by<T>,
    .add_to = add_to<T>,
    .mask = mask<T>,
    .sum = sum<T>,
    .sum_of_squares = sum_of_squares<T>,
    .first_nonfinite = first_nonfinite<T>,
    .fma_chain = fma_chain<T>,
};

}  // namespace fastopt::FASTOPT_ISA
