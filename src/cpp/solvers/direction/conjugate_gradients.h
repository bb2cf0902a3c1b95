// Nonlinear conjugate gradients: d <- -g + beta d, with y = g - g_before. The sources of the formulas for beta are in
// Hager and Zhang, A survey of nonlinear conjugate gradient methods, Pacific Journal of Optimization 2 (2006).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "solvers/direction/direction.h"

namespace fastopt::solvers {

class ConjugateGradients final : public Direction {
 public:
  // What the formulas are made of.
  struct Products {
    double gg, before, gy, dy, yy, dg;  // g'g, that of the point before, g'y, d'y, y'y, d'g
    double norm_d;
  };
  struct Formula {
    std::string_view name;
    double (*beta)(const Products&);
  };
  static constexpr std::array<Formula, 6> formulas{{
      {"fletcher_reeves", [](const Products& p) { return p.gg / p.before; }},
      {"polak_ribiere", [](const Products& p) { return p.gy / p.before; }},
      {"polak_ribiere_plus", [](const Products& p) { return std::max(0.0, p.gy / p.before); }},
      {"hestenes_stiefel", [](const Products& p) { return p.gy / p.dy; }},
      {"dai_yuan", [](const Products& p) { return p.gg / p.dy; }},
      {"hager_zhang",
       [](const Products& p) {
         const double beta = (p.gy - 2 * p.yy * p.dg / p.dy) / p.dy;
         return std::max(beta, -1 / (p.norm_d * std::min(0.01, std::sqrt(p.before))));
       }},
  }};

  // Begins anew with every `every`-th direction; never of itself where that is 0.
  ConjugateGradients(const Formula& formula, Index every) : formula_(formula), every_(every) {}

  void start(Index size) override {
    direction_.assign(static_cast<std::size_t>(size), 0.0);
    difference_.assign(static_cast<std::size_t>(size), 0.0);
    restart();
  }
  void restart() override { since_ = 0; }
  void changed() override { restart(); }

  void find(Problem&, const Point& at, Out d) override {
    double beta = 0;
    if (since_ > 0 && (every_ == 0 || since_ < static_cast<double>(every_))) {
      const double* const rows[] = {at.gradient.data(), difference_.data(), direction_.data()};
      double p[9];  // of g, y and d
      products(rows, rows, static_cast<Index>(d.size()), p);
      beta = formula_.beta(
          {.gg = p[0], .before = before_, .gy = p[1], .dy = p[5], .yy = p[4], .dg = p[2], .norm_d = std::sqrt(p[8])});
    }
    if (!std::isfinite(beta) || beta == 0) {
      since_ = 0;
      beta = 0;
    }
    for (std::size_t i = 0; i < d.size(); ++i) {
      d[i] = beta * direction_[i] - at.gradient[i];
    }
    found_.assign(d.begin(), d.end());
  }
  void moved(const Point& from, const Point& to) override {
    std::swap(direction_, found_);
    before_ = dot(from.gradient, from.gradient);
    move(to.gradient, -1, from.gradient, difference_);
    ++since_;
  }
  std::vector<Slot> slots() override {
    return {{"direction", direction_}, {"difference", difference_}, {"before", {&before_, 1}}, {"since", {&since_, 1}}};
  }

 private:
  const Formula& formula_;
  Index every_;
  Vector direction_, difference_, found_;  // d, y and the next d
  double before_ = 0, since_ = 0;
};

}  // namespace fastopt::solvers
