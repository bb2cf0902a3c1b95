"""Philox and what is drawn from it."""

import functools
import math

import numpy as np
import pytest
import twins

from fastopt import kernels

ONES, TOP = 2**32 - 1, 2**64 - 1
SEEDS = (0, 1, 2**32, 0x243F6A8885A308D3, TOP)
DRAWS = {
    "philox": kernels.philox,
    "permutation": kernels.permutation,
    "uniform float32": functools.partial(kernels.uniform, dtype="float32"),
    "uniform float64": functools.partial(kernels.uniform, dtype="float64"),
    "normal float32": functools.partial(kernels.normal, dtype="float32"),
    "normal float64": functools.partial(kernels.normal, dtype="float64"),
}

# kat_vectors of the Random123 library: counter, key, result of Philox4x32-10.
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "want"), KNOWN_ANSWERS)
def test_twin_gives_the_known_answers(counter, key, want):
    got = twins.philox4x32(np.array(counter, np.uint64)[:, None], np.array(key, np.uint64))
    assert got[:, 0].tolist() == want


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stream", SEEDS)
def test_words(isa, seed, stream):
    for count in [*range(70), 1001]:
        words = kernels.philox(seed, stream, count)
        assert words.dtype == np.uint32
        np.testing.assert_array_equal(words, twins.philox(seed, stream, count))


@pytest.mark.parametrize(("seed", "stream"), [(0, 0), (TOP, 5), (7, TOP)])
def test_uniform(isa, dtype, seed, stream):
    for count in [*range(40), 1001]:
        got = kernels.uniform(seed, stream, count, dtype.__name__)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, twins.uniform(seed, stream, count, dtype))


def normal_tail(x: float) -> float:
    return math.erfc(abs(x) / math.sqrt(2)) / 2


@pytest.mark.parametrize(("seed", "stream"), [(0, 0), (TOP, 5), (7, TOP)])
def test_normal_inverts_the_distribution_function(isa, dtype, seed, stream):
    """A relative error e of x changes the tail beyond x by less than e (1 + |x|)^2 of itself."""
    for count in [*range(40), 20_000]:
        x = kernels.normal(seed, stream, count, dtype.__name__)
        p = twins.normal_probability(seed, stream, count)
        assert x.dtype == dtype
        np.testing.assert_array_equal(x > 0, p > 0.5)
        tail, want = np.array([normal_tail(z) for z in x.tolist()]), np.minimum(p, 1 - p)
        assert (np.abs(tail - want) <= 8 * np.finfo(dtype).eps * (1 + np.abs(x)) ** 2 * want).all()


def distance_from_normal(x: np.ndarray) -> float:
    """Statistic of Kolmogorov and Smirnov."""
    cdf = np.array([normal_tail(z) if z < 0 else 1 - normal_tail(z) for z in np.sort(x)])
    rank = np.arange(len(x) + 1) / len(x)
    return max(np.abs(cdf - rank[1:]).max(), np.abs(cdf - rank[:-1]).max())


@pytest.mark.parametrize("seed", [0, 1, TOP])
def test_normal(dtype, seed):
    """Each limit is passed by chance in one of 10,000 cases or fewer."""
    n = 40_000
    x = kernels.normal(seed, 3, n, dtype.__name__).astype(np.float64)
    assert distance_from_normal(x) < 2.23 / math.sqrt(n)
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((x**power).mean() - moment) < 4 * math.sqrt(variance / n)
    for lag in (1, 2, 3, 4):
        assert abs((x[lag:] * x[:-lag]).mean()) < 4 / math.sqrt(n)
        assert abs((x[lag:] ** 2 * x[:-lag] ** 2).mean() - 1) < 4 * math.sqrt(8 / n)
    assert 3.5 < np.abs(x).max() < 6.5


@pytest.mark.parametrize("name", DRAWS)
def test_same_on_every_isa_and_for_every_thread_count(isa, name, for_all_threads):
    draw = DRAWS[name]
    for_all_threads(lambda: [draw(5, 7, 100_003)])
    assert draw(5, 7, 100_003).tobytes() == drawn_once(name)


@functools.cache
def drawn_once(name: str) -> bytes:
    return DRAWS[name](5, 7, 100_003).tobytes()


@pytest.mark.parametrize("name", sorted(set(DRAWS) - {"permutation"}))
def test_more_numbers_begin_with_the_same(isa, name):
    many = DRAWS[name](5, 7, 1000)
    for count in [*range(40), 333]:
        np.testing.assert_array_equal(DRAWS[name](5, 7, count), many[:count])


@pytest.mark.parametrize("name", DRAWS)
def test_every_seed_and_stream_differs(name):
    assert len({DRAWS[name](seed, stream, 50).tobytes() for seed in SEEDS for stream in SEEDS}) == len(SEEDS) ** 2


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 1000, 65_537, 100_003])
def test_permutation_holds_each_number_once(isa, count):
    order = kernels.permutation(11, 0, count)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(count))
    if count <= 1000:
        assert order.tolist() == twins.permutation(11, 0, count)


def test_permutations_are_equally_likely():
    """Chi-square over the 24 orders of 4; by chance above 60 in one of 30,000 cases."""
    draws = 4800
    orders = [kernels.permutation(1, stream, 4) for stream in range(draws)]
    orders, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(orders) == 24
    assert ((counts - draws / 24) ** 2 / (draws / 24)).sum() < 60


def test_permutation_has_no_memory_of_places():
    """Mean of the product of place and number, over one long permutation."""
    n = 100_000
    order = kernels.permutation(2, 0, n)
    assert abs(np.corrcoef(order, np.arange(n))[0, 1]) < 4 / math.sqrt(n)
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 4 / math.sqrt(n)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("numbers", [(-1, 0, 4), (2**64, 0, 4), (0, -1, 4), (0, 2**64, 4), (0, 0, -1)])
def test_numbers_out_of_range(name, numbers):
    with pytest.raises(ValueError, match=r"seed|stream|count"):
        DRAWS[name](*numbers)


@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_unknown_dtype(name):
    with pytest.raises((TypeError, ValueError), match="float16"):
        getattr(kernels, name)(0, 0, 4, "float16")
