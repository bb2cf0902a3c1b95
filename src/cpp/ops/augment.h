// Images changed at random, for training: each sample of each epoch by numbers of its own.
#pragma once

#include "core/buffer.h"
#include "kernels/augment/args.h"
#include "kernels/gather/args.h"

namespace fastopt {

// What is done to an image, all by one interpolation: it is mirrored with the probability `flip`, moved by up to `crop`
// pixels along each axis, turned by up to `rotation` degrees and distorted; then noise is added.
struct Augmenting {
  ImageSize size;
  double flip = 0;
  Index crop = 0;
  double rotation = 0;
  double alpha = 0, sigma = 1;  // displacements: alpha times numbers from U(-1, 1) convolved with a Gaussian
  double noise = 0;             // standard deviation

  bool distorts() const { return alpha != 0; }
  bool warps() const { return rotation != 0 || distorts(); }
};

// What decides the random numbers of a sample, with its number beyond `first`.
struct Draws {
  std::uint64_t seed, epoch, first;
};

// With the random numbers that are made once for all images: large fields and many numbers from N(0, 1), of which each
// image takes a part that is chosen at random, with a random sign.
template <class T>
class Augmentation {
 public:
  // Throws std::length_error where the image is too large.
  explicit Augmentation(const Augmenting& what);

  Index columns() const { return what_.size.height * what_.size.width * what_.size.channels; }
  // How much memory `rows` takes, in elements; zeroed before it is used first.
  Index memory() const { return layout(nullptr).used; }
  // Reads rows as the gather kernel does and changes each: row i is sample begin + i or, with an index, index[i].
  void rows(const Gather<T>& from, const Draws& draws, Index begin, T* memory) const;
  // Of one image, roughly, as `threads_for` takes it.
  double cost() const;

 private:
  struct Layout {
    T *read, *changed, *warp;  // rows, the first with zeros behind it; and what the kernel works in
    Index used;
  };
  Layout layout(T* memory) const;
  void change(const Draws& draws, Index sample, const T* x, T* y, const Layout& at) const;

  Augmenting what_;
  Index stride_ = 0;                   // of the fields
  Buffer<T> dy_, dx_;                  // [height + field_places, width + field_places]
  Index noise_places_ = 0;             // in each of the following, where a row of noise may begin
  Buffer<T> some_noise_, more_noise_;  // whose sum has the variance 1
};

// All of some rows, by a team.
template <class T>
void augment(const Augmentation<T>& how, const Gather<T>& from, const Draws& draws);

// cos and sin of an angle in degrees, exact for multiples of 90.
struct Direction {
  double cosine, sine;
};
Direction direction(double degrees);

// Turns images about their centre, or moves each pixel to what is dy below and dx to the right of it.
template <class T>
void rotate(ImageSize size, const T* x, T* y, Index images, double degrees);
template <class T>
void distort(ImageSize size, const T* x, T* y, Index images, const T* dy, const T* dx);

}  // namespace fastopt
