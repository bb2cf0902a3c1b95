"""The functions that a model in C is made of, each a loop or two; a file has only those that it needs.

``real`` stands for float or double, and R for the end of a number or of the name of a function of math.h. An image has
its channels last or first, as `Window` says, which is that of the core.
"""

__all__ = ["EXPRESSIONS", "FUNCTIONS", "WINDOW"]

# Elementwise activations of v.
EXPRESSIONS = {
    "relu": "v > 0.0R ? v : 0.0R",
    "leaky_relu": "v > 0.0R ? v : 0.01R * v",
    "elu": "v > 0.0R ? v : expm1R(v)",
    "selu": "1.0507009873554804935R * (v > 0.0R ? v : 1.6732632423543772848R * expm1R(v))",
    "softplus": "(v > 0.0R ? v : 0.0R) + log1pR(expR(-fabsR(v)))",
    "softsign": "v / (1.0R + fabsR(v))",
    "sigmoid": "1.0R / (1.0R + expR(-v))",
    "hard_sigmoid": "(v < -3.0R ? 0.0R : v > 3.0R ? 6.0R : v + 3.0R) / 6.0R",
    "tanh": "tanhR(v)",
    "hard_tanh": "v < -1.0R ? -1.0R : v > 1.0R ? 1.0R : v",
    "gelu": "0.5R * v * erfcR(-v * 0.70710678118654752440R)",
    "gelu_tanh": "v / (1.0R + expR(-v * (1.5957691216057307117R + 0.071354816272600248R * v * v)))",
    "silu": "v / (1.0R + expR(-v))",
    "mish": "v * tanhR((v > 0.0R ? v : 0.0R) + log1pR(expR(-fabsR(v))))",
}

WINDOW = """
typedef struct {
  int height, width, channels, last;
  int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
  int top, left, out_height, out_width;
} Window;

static int place(int last, int height, int width, int channels, int i, int j, int channel) {
  return last ? (i * width + j) * channels + channel : (channel * height + i) * width + j;
}
"""

FUNCTIONS = {
    "softmax": """
static void softmax(real *y, int rows, int n) {
  for (int r = 0; r < rows; ++r, y += n) {
    real highest = y[0], sum = 0.0R;
    for (int i = 1; i < n; ++i) highest = y[i] > highest ? y[i] : highest;
    for (int i = 0; i < n; ++i) sum += y[i] = expR(y[i] - highest);
    for (int i = 0; i < n; ++i) y[i] /= sum;
  }
}
""",
    "copy": """
static void copy(const real *x, real *y, int n) {
  for (int i = 0; i < n; ++i) y[i] = x[i];
}
""",
    "dense": """
static void dense(const real *x, const real *w, const real *b, real *y, int inputs, int units) {
  for (int j = 0; j < units; ++j) y[j] = b ? b[j] : 0.0R;
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < units; ++j) y[j] += x[i] * w[i * units + j];
}
""",
    "affine": """
static void affine(const real *x, const real *c, const real *a, const real *b, real *y, int n, int space, int period) {
  for (int i = 0; i < n; ++i) {
    const int k = i / space % period;
    y[i] = (c ? x[i] - c[k] : x[i]) * (a ? a[k] : 1.0R) + (b ? b[k] : 0.0R);
  }
}
""",
    "add": """
static void add(const real *x, const real *z, real *y, int n) {
  for (int i = 0; i < n; ++i) y[i] = x[i] + z[i];
}
""",
    "blend": """
static void blend(const real *x, const real *a, real *y, int n) {
  for (int i = 0; i < n; ++i) y[i] = x[i] + a[i] * (y[i] - x[i]);
}
""",
    "prelu": """
static void prelu(const real *x, const real *a, real *y, int n, int space, int channels) {
  for (int i = 0; i < n; ++i) y[i] = x[i] > 0.0R ? x[i] : a[i / space % channels] * x[i];
}
""",
    "max_pieces": """
static void max_pieces(const real *x, real *y, int units, int pieces) {
  for (int j = 0; j < units; ++j, x += pieces) {
    y[j] = x[0];
    for (int k = 1; k < pieces; ++k) y[j] = x[k] > y[j] ? x[k] : y[j];
  }
}
""",
    # Group g is the blocks g, g + groups, ... of so many values.
    "normalize": """
static void normalize(const real *x, real *y, int groups, int blocks, int size, int centred, real epsilon) {
  for (int g = 0; g < groups; ++g) {
    const real n = (real)(blocks * size);
    real mean = 0.0R, variance = 0.0R;
    for (int e = 0; centred && e < blocks * size; ++e) mean += x[(e / size * groups + g) * size + e % size] / n;
    for (int e = 0; e < blocks * size; ++e) {
      const real d = x[(e / size * groups + g) * size + e % size] - mean;
      variance += d * d / n;
    }
    for (int e = 0; e < blocks * size; ++e) {
      const int at = (e / size * groups + g) * size + e % size;
      y[at] = (x[at] - mean) / sqrtR(variance + epsilon);
    }
  }
}
""",
    "convolve": """
static void convolve(const real *x, const real *w, const real *b, real *y, const Window *v, int groups, int filters) {
  const int own = v->channels / groups;
  for (int i = 0; i < v->out_height; ++i)
    for (int j = 0; j < v->out_width; ++j)
      for (int f = 0; f < filters; ++f) {
        const int first = f / (filters / groups) * own;
        real sum = b ? b[f] : 0.0R;
        for (int k = 0; k < v->kernel_height; ++k)
          for (int l = 0; l < v->kernel_width; ++l) {
            const int r = i * v->stride_height + k * v->dilation_height - v->top;
            const int s = j * v->stride_width + l * v->dilation_width - v->left;
            if (r < 0 || r >= v->height || s < 0 || s >= v->width) continue;
            for (int c = 0; c < own; ++c)
              sum += x[place(v->last, v->height, v->width, v->channels, r, s, first + c)] *
                     w[((k * v->kernel_width + l) * own + c) * filters + f];
          }
        y[place(v->last, v->out_height, v->out_width, filters, i, j, f)] = sum;
      }
}
""",
    "pool": """
static void pool(const real *x, real *y, const Window *v, char what) {
  for (int i = 0; i < v->out_height; ++i)
    for (int j = 0; j < v->out_width; ++j)
      for (int c = 0; c < v->channels; ++c) {
        real best = 0.0R, sum = 0.0R;
        int count = 0;
        for (int r = i * v->stride_height - v->top, k = 0; k < v->kernel_height; ++k, ++r)
          for (int s = j * v->stride_width - v->left, l = 0; l < v->kernel_width; ++l, ++s) {
            if (r < 0 || r >= v->height || s < 0 || s >= v->width) continue;
            const real value = x[place(v->last, v->height, v->width, v->channels, r, s, c)];
            best = count == 0 || value > best ? value : best;
            sum += value;
            ++count;
          }
        y[place(v->last, v->out_height, v->out_width, v->channels, i, j, c)] =
            what == '>' ? best : what == '/' ? sum / (real)count : sum;
      }
}
""",
    "repeat": """
static void repeat(const real *x, real *y, const Window *v) {
  for (int i = 0; i < v->height; ++i)
    for (int j = 0; j < v->width; ++j)
      for (int c = 0; c < v->channels; ++c)
        y[place(v->last, v->height, v->width, v->channels, i, j, c)] =
            x[place(v->last, v->out_height, v->out_width, v->channels, i / v->kernel_height, j / v->kernel_width, c)];
}
""",
    "look_up": """
static void look_up(const real *x, const real *table, const int *first, real *y, int columns, int units) {
  for (int c = 0; c < columns; ++c)
    for (int j = 0; j < units; ++j) *y++ = table[(first[c] + (int)x[c]) * units + j];
}
""",
    "periodic": """
static void periodic(const real *x, const real *frequency, const real *phase, real *y, int features, int n) {
  for (int f = 0; f < features; ++f)
    for (int sine = 0; sine < (phase ? 1 : 2); ++sine)
      for (int j = 0; j < n; ++j) {
        const real turns = x[f] * frequency[f * n + j] + (phase ? phase[f * n + j] : 0.0R);
        const real angle = 6.28318530717958647692R * (turns - roundR(turns));
        *y++ = sine ? sinR(angle) : cosR(angle);
      }
}
""",
    "piecewise": """
static void piecewise(const real *x, const real *start, const real *scale, real *y, int features, int pieces) {
  for (int f = 0; f < features; ++f, start += pieces, scale += pieces)
    for (int t = 0; t < pieces; ++t) {
      const int last = t == pieces - 1, first = scale[0] == 0.0R ? last : t == 0;
      const real v = (x[f] - start[t]) * scale[t];
      *y++ = v < 0.0R && !first ? 0.0R : v > 1.0R && !last ? 1.0R : v;
    }
}
""",
}
