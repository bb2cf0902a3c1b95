"""Thousands of models made, trained, saved and dropped in one process: memory, threads and open files do not grow."""

import copy
import gc
import os
import pickle
import tempfile

import fastopt as fo
from reliability.models import BODIES, X, Y, built

GROWTH = 200  # bytes a model


def resident():
    """Return the bytes of memory that the process has, its open files and its threads."""
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def live(number, path):
    """Do with a model all that one does."""
    bodies = sorted(BODIES)
    body = bodies[number % len(bodies)]
    full = number % 5 == 0 and body != "penalty"  # whose constraint solvers do not know
    model = built(body, fo.solvers.LBFGS() if full else ["adam", "sgd"][number % 2], seed=number)
    model.fit(X, Y, None if full else 8, 2, validation_split=0.2, verbose=0)
    model.save(path)
    for other in (fo.load_model(path), pickle.loads(pickle.dumps(model)), copy.deepcopy(model), fo.clone(model)):
        other.predict(X)
    model.fit(X, Y, None if full else 8, 1, verbose=0)
    try:
        model.fit(X, Y[1:], verbose=0)
    except ValueError:
        return
    raise AssertionError("labels of another number were taken")


def run(size, first=0):
    """Live through so many models; the first fifth of them warms up what is kept."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "model")
        warm = size // 5
        for number in range(first, first + warm):
            live(number, path)
        before = resident()
        for number in range(first + warm, first + size):
            live(number, path)
        after = resident()
    growth = (after[0] - before[0]) / (size - warm)
    faults = [
        f"{what} grew from {was} to {now}"
        for what, was, now in zip(("open files", "threads"), before[1:], after[1:], strict=True)
        if now > was
    ]
    if growth > GROWTH and size >= 1000:  # fewer do not tell it from the steps in which an allocator takes memory
        faults.append(f"memory grew by {growth:.0f} bytes a model")
    return f"memory {before[0] >> 20} MiB after {warm} models, {growth:+.0f} bytes for each further one", faults
