"""The NumPy twin of every kernel: the mathematics as in the papers, in whatever precision the arguments have.

Tests call it with float64 or, where float64 results are checked to the last place, with np.longdouble.
"""

import numpy as np

# --- Activations: the function, and its gradient from its output y and the gradient dy of the output ------------------


def linear(x):
    return x


def linear_backward(y, dy):
    return dy


def relu(x):
    return np.maximum(x, 0)


def relu_backward(y, dy):
    return dy * (y > 0)


def sigmoid(x):
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def sigmoid_backward(y, dy):
    return dy * y * (1 - y)


tanh = np.tanh


def tanh_backward(y, dy):
    return dy * (1 - y) * (1 + y)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(y, dy):
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


# --- Dense layer ------------------------------------------------------------------------------------------------------


def dense_forward(x, kernel, bias=0, activation=linear):
    return activation(x @ kernel + bias)


def dense_backward(x, kernel, dy):
    """Gradients with respect to input, kernel and bias."""
    return dy @ kernel.T, x.T @ dy, dy.sum(axis=0)


# --- Losses: (L_i of each row, d L_i / d prediction) ------------------------------------------------------------------


def log_sum_exp(x):
    top = x.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))[..., 0]


def one_hot(labels, classes, dtype=np.float64):
    return (labels[:, None] == np.arange(classes)).astype(dtype)


def sparse_categorical_crossentropy(logits, labels):
    rows = np.arange(len(labels))
    return log_sum_exp(logits) - logits[rows, labels], softmax(logits) - one_hot(labels, logits.shape[1], logits.dtype)


def categorical_crossentropy(logits, target):
    loss = (target * (log_sum_exp(logits)[:, None] - logits)).sum(axis=1)
    return loss, softmax(logits) * target.sum(axis=1, keepdims=True) - target


def binary_crossentropy(logits, target):
    loss = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    return loss.mean(axis=1), (sigmoid(logits) - target) / logits.shape[1]


def mean_squared_error(prediction, target):
    difference = prediction - target
    return (difference**2).mean(axis=1), 2 * difference / prediction.shape[1]


# --- Metrics: the value of each row -----------------------------------------------------------------------------------


def sparse_categorical_accuracy(prediction, labels):
    return prediction.argmax(axis=1) == labels


def categorical_accuracy(prediction, target):
    return prediction.argmax(axis=1) == target.argmax(axis=1)


def binary_accuracy(logits, target):
    return ((logits > 0) == (target > 0.5)).mean(axis=1)


def mean_squared_error_metric(prediction, target):
    return mean_squared_error(prediction, target)[0]


def mean_absolute_error(prediction, target):
    return np.abs(prediction - target).mean(axis=1)


# --- Update rules: (g, slots, hyper, step) -> (change of w, new slots) ------------------------------------------------


def sgd(g, slots, hyper, step):
    return -hyper["learning_rate"] * g, {}


def momentum(g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return v, {"v": v}


def nesterov(g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return hyper["momentum"] * v - hyper["learning_rate"] * g, {"v": v}


def adam(g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return -hyper["learning_rate"] * m_hat / (np.sqrt(v_hat) + hyper["epsilon"]), {"m": m, "v": v}


# --- Random numbers: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 -------------------------------

LOW = np.uint64(0xFFFFFFFF)


def philox4x32(counter, key, rounds=10):
    """Counter [4, n] and key [2] of 32-bit words, as uint64; returns [4, n]."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & LOW, (a >> 32) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return np.array([c0, c1, c2, c3])


def halves(number):
    return np.array([number & 0xFFFFFFFF, number >> 32], np.uint64)


def philox(seed, stream, count):
    block = np.arange(-(-count // 4), dtype=np.uint64)
    low, high = halves(stream)
    counter = block & LOW, block >> 32, np.full_like(block, low), np.full_like(block, high)
    return philox4x32(counter, halves(seed)).T.ravel()[:count].astype(np.uint32)


def philox64(seed, stream, count):
    low, high = philox(seed, stream, 2 * count).reshape(-1, 2).astype(np.uint64).T
    return low + (high << 32)


def uniform(seed, stream, count, dtype):
    if dtype == np.float32:
        return ((philox(seed, stream, count) >> 8) / 2.0**24).astype(np.float32)
    return (philox64(seed, stream, count) >> 11) / 2.0**53


def normal_probability(seed, stream, count):
    """Value of the normal distribution function at each normal number."""
    return ((philox64(seed, stream, count) >> 12) + 0.5) / 2.0**52


def permutation(seed, stream, count):
    """The shuffle of Fisher and Yates, in the form of Durstenfeld."""
    order = list(range(count))
    for i, word in enumerate(philox64(seed, stream, max(count - 1, 0)).tolist()):
        j = i + (word * (count - i) >> 64)
        order[i], order[j] = order[j], order[i]
    return order
