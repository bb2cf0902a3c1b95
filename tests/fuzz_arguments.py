"""Calls of public functions with arguments that are wrong in one place or two, chosen at random.

Each call begins with one of the good ones of `cases/arguments.py`. It must return, or raise one of the documented
exceptions and leave the model and the caller's arrays as they were.

    python tests/fuzz_arguments.py --calls 200000 --processes 2

runs them in subprocesses of limited memory and reports what raised something else, changed something, died or hung;
the exit code is 1 if anything did. `--only PART` keeps the functions whose name has this part. A report names the call
by its number, and `--first NUMBER --calls 1` does it again, alone, in this process.
"""

import argparse
import contextlib
import faulthandler
import inspect
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from cases.arguments import calls, kernel_calls

import fastopt as fo

DOCUMENTED = (TypeError, ValueError, RuntimeError, MemoryError, FloatingPointError)
BLOCK = 1000  # calls of one subprocess
SECONDS = 120  # for them
MEMORY = 4 << 30

# Arguments that say how much there is to do: large numbers are no mistakes, but take for ever.
AMOUNTS = {
    "atoms",
    "classes",
    "count",
    "epochs",
    "features",
    "fine_tuning",
    "iterations",
    "levels",
    "max_iter",
    "max_nfev",
    "n",
    "outputs",
    "rounds",
    "size",
    "steps",
    "stop",
    "trials",
    "workers",
}


# Any name of a file would be right.
FILES = {"file", "folder"}


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name):
        raise ValueError(f"no {name}")

    def __len__(self):
        raise ValueError("no length")

    def __iter__(self):
        raise ValueError("no items")

    def __bool__(self):
        raise ValueError("neither")

    def __repr__(self):
        return "Hostile()"


def endless():
    inner = []
    inner.append(inner)
    return inner


def scalar(rng, name):
    small = [-1, 0, 1, 2, 3, 7, -(2**63), -(2**64), 0.5, -0.5, 1e-320, float("nan"), -0.0]
    large = [2**31, 2**53, 2**63 - 1, 2**63, 2**64, 2**64 - 1, 10**400, 1e300, float("inf"), float("-inf")]
    values = small if name in AMOUNTS else small + large
    value = values[rng.integers(len(values))]
    kinds = [int, float, np.float32, np.int8, np.uint64, np.float16, np.longdouble, np.complex64, np.bool_, np.array]
    if rng.random() < 0.3:
        with contextlib.suppress(OverflowError, ValueError, TypeError), np.errstate(all="ignore"):
            return kinds[rng.integers(len(kinds))](value)
    return value


def other(rng, name):
    makers = [
        lambda: None,
        lambda: True,
        lambda: False,
        lambda: 1j,
        object,
        Hostile,
        lambda: "",
        lambda: "banana",
        lambda: "False",
        lambda: "\0\ud800é",
        lambda: "a" * 100_000,
        lambda: "0.5",
        lambda: b"relu",
        lambda: "relu",
        lambda: "adam",
        lambda: "mse",
        lambda: "l2",
        lambda: "ones",
        lambda: print,
        lambda: max,
        lambda: int,
        lambda: np.float32,
        lambda: fo.layers.Dense,
        lambda: fo.layers.Dense(2),
        lambda: fo.optimizers.SGD(),
        lambda: fo.schedules.Cosine(0.1, 5),
        lambda: fo.losses.Huber(),
        lambda: fo.Input(3),
        list,
        dict,
        tuple,
        set,
        lambda: [None],
        lambda: [1, "a", None],
        lambda: ["banana", "banana"],
        lambda: {"banana": 1},
        lambda: {1: 2.0},
        lambda: {0: float("nan")},
        lambda: (1, 2, 3),
        lambda: [0.5, 0.5],
        endless,
        lambda: iter([1, 2]),
        lambda: range(3),
        lambda: slice(3),
        lambda: memoryview(b"abc"),
        lambda: Path("banana"),
        lambda: np.dtype("float64"),
        lambda: np.datetime64("2020-01-01"),
        lambda: np.array(None),
    ]
    return makers[rng.integers(len(makers))]()


def misaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    moved = raw[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def spoilt(rng, given):
    """An array like the given one, but not quite."""
    a = np.array(given)
    if a.dtype.kind not in "fiub":
        return other(rng, "")
    dtypes = "f2 f4 f8 f16 c8 c16 i1 i2 i4 i8 u1 u2 u8 ? >f4 >f8 >i8 O U8 S4 M8[s] m8[s] V4".split()  # noqa: SIM905

    def cast():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return a.astype(dtypes[rng.integers(len(dtypes))])

    def put():
        b = a.astype(a.dtype if a.dtype.kind == "f" else np.float64)
        if b.size:
            values = [np.nan, np.inf, -np.inf, 1e308, -1e308, 1e39, 1e-320, -1.0, 0.5, 2.0**63, -(2.0**63)]
            b.flat[rng.integers(b.size)] = values[rng.integers(len(values))]
        return b

    def frozen():
        b = a.copy()
        b.flags.writeable = False
        return b

    makers = [
        cast,
        cast,
        put,
        put,
        frozen,
        lambda: misaligned(a),
        lambda: np.asfortranarray(a),
        lambda: a[::2],
        lambda: a[::-1],
        lambda: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
        lambda: a.T,
        lambda: a[:0],
        lambda: a[..., :0] if a.ndim else a,
        lambda: a[..., :1] if a.ndim else a,
        lambda: a[np.newaxis],
        lambda: a[..., np.newaxis],
        lambda: a.ravel(),
        lambda: np.concatenate([a, a]) if a.ndim else a,
        lambda: np.broadcast_to(a[:1], a.shape) if a.ndim else a,
        lambda: np.zeros((0, 0)),
        lambda: np.zeros((1,) * 33) if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else np.zeros((1,) * 32),
        lambda: np.ma.masked_array(a, rng.random(a.shape) < 0.3),
        lambda: np.ma.masked_array(a),
        lambda: np.matrix(a) if a.ndim <= 2 else a,
        lambda: np.rec.array(a.ravel()) if a.ndim else a,
        lambda: a.tolist(),
        lambda: [a.tolist(), 1],
        lambda: a * 0 - 1,
        lambda: np.lib.stride_tricks.as_strided(a, (3, *a.shape), (0, *a.strides)),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return makers[rng.integers(len(makers))]()


def wrong(rng, name, given):
    if isinstance(given, np.ndarray) and rng.random() < 0.75:
        return spoilt(rng, given)
    if isinstance(given, list | tuple) and given and rng.random() < 0.5:
        items = list(given)
        i = rng.integers(len(items))
        items[i] = wrong(rng, name, items[i])
        return type(given)(items) if type(given) in (list, tuple) else items
    return scalar(rng, name) if rng.random() < 0.4 else other(rng, name)


def snapshot(owner):
    """What a failed call may not change of the object that has the method."""
    if isinstance(owner, fo.Sequential | fo.Model):
        if isinstance(owner, fo.Sequential) and not owner.built:
            return ("not built", owner.epochs_trained)
        views = owner.parameters | owner.state | owner.slots
        optimizer = owner.optimizer
        numbers = (repr(optimizer), optimizer.state) if optimizer is not None else ()
        return {name: view.tobytes() for name, view in views.items()}, numbers, owner.epochs_trained, owner.draws
    return repr(getattr(owner, "__dict__", ""))


TARGETS = [(key, make, good) for key, make, good in calls()]
TARGETS += [(key, lambda kernel=kernel: kernel, good) for key, kernel, good in kernel_calls()]


def copied(value):
    return value.copy() if isinstance(value, np.ndarray) else value


def call(number, only=""):
    """Do the call of this number; return what was wrong with it, or None."""
    rng = np.random.default_rng([20, number])
    targets = [target for target in TARGETS if only in target[0]]
    key, make, good = targets[rng.integers(len(targets))]
    function = make()
    arguments = {name: copied(value) for name, value in good.items()}
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind not in (2, 4)]
    names = [name for name in names if name not in FILES]
    for _ in range(rng.integers(1, 3)):
        if names:
            name = names[rng.integers(len(names))]
            arguments[name] = wrong(rng, name, good.get(name))
    owner = getattr(function, "__self__", None)
    before = snapshot(owner)
    arrays = {name: (value, value.tobytes()) for name, value in arguments.items() if isinstance(value, np.ndarray)}
    listed = ", ".join(f"{name}={value!r:.60}" for name, value in arguments.items())
    text = f"{number}: {key}({listed})".replace("\n", " ")
    try:
        unseen = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(unseen), contextlib.redirect_stderr(unseen):
            warnings.simplefilter("ignore")
            function(**arguments)
    except FloatingPointError:
        return None  # of training that has begun
    except DOCUMENTED as error:
        if snapshot(owner) != before:
            return f"{text}\n    changed the object, and raised {error!r:.200}"
        for name, (array, content) in arrays.items():
            if array.tobytes() != content:
                return f"{text}\n    changed {name}, and raised {error!r:.200}"
        return None
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{text}\n    raised {error!r:.200} at {Path(last.filename).name}:{last.lineno}"
    return None


def work(first, count, only, place):
    """Do calls, saying in a file which one is on; print what was wrong as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faulthandler.enable()
    faults = []
    with open(place, "wb", buffering=0) as file:
        for number in range(first, first + count):
            os.pwrite(file.fileno(), b"%-20d" % number, 0)
            fault = call(number, only)
            if fault:
                faults.append(fault)
    print(json.dumps(faults))


def blocks(first, total, processes, only):
    """The faults of so many calls, block after block, each in a process of its own."""
    places = {}
    with tempfile.TemporaryDirectory() as folder:
        running, end = [], first + total
        while first < end or running:
            while first < end and len(running) < processes:
                count = min(BLOCK, end - first)
                place = os.path.join(folder, str(first))
                command = [sys.executable, __file__, "--work", place, "--first", str(first), "--calls", str(count)]
                process = subprocess.Popen(
                    [*command, "--only", only], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                running.append((process, first, count))
                places[process] = place
                first += count
            process, start, count = running.pop(0)
            last = 0
            try:
                out, err = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                err = f"hangs: not done after {SECONDS} s"
            if process.returncode == 0:
                yield from json.loads(out.splitlines()[-1])
                continue
            last = int(Path(places[process]).read_bytes())
            yield f"{last}: the process died with {process.returncode}: {err[-1500:]}"
            rest = start + count - last - 1
            if rest > 0:
                yield from blocks(last + 1, rest, 1, only)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.first, given.calls, given.only, given.work)
        return 0
    if given.calls == 1:
        faults = [fault for fault in [call(given.first, given.only)] if fault]
    else:
        faults = []
        for fault in blocks(given.first, given.calls, given.processes, given.only):
            print(fault, flush=True)
            faults.append(fault)
    print(f"{given.calls} calls, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
