"""Model files that something has changed: a named error, or a model that is what the file says.

A file is changed as a disk, a network or a person would: bits and bytes, a cut, pieces that are missing, doubled or of
another file, lengths in the header, values of its description. A file that is read is a model, and one of ten of
them is saved and loaded again, which must give the same file.
"""

import json
import mmap
import os
import random
import resource
import tempfile
import warnings
from pathlib import Path

import fastopt as fo
from reliability.children import tried
from reliability.models import X, Y, built

MEMORY = 2 << 30
VALUES = [None, True, 0, -1, 1, 2, 2**31, 2**53, 2**63, 2**64, 0.5, -0.0, 1e308, 1e-320, "", "a", "relu", [], {}, [1]]


def originals(folder):
    """Return the bytes of some model files, the first of them small."""
    path = os.path.join(folder, "original")
    contents = []
    for body, optimizer in (("linear", "adam"), ("norm", "rmsprop"), ("residual", fo.solvers.LBFGS())):
        model = built(body, optimizer)
        model.fit(X, Y, None if isinstance(optimizer, fo.solvers.Solver) else 16, 1, verbose=0)
        model.save(path)
        with open(path, "rb") as file:
            contents.append(file.read())
    os.remove(path)
    return contents


def flip(draw, data, others):
    for _ in range(draw.choice([1, 1, 2, 8])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def overwrite(draw, data, others):
    start = draw.randrange(len(data))
    data[start : start + draw.randrange(1, 64)] = draw.randbytes(draw.randrange(1, 64))


def cut(draw, data, others):
    del data[draw.randrange(len(data)) :]


def remove(draw, data, others):
    start = draw.randrange(len(data))
    del data[start : start + draw.randrange(1, 200)]


def double(draw, data, others):
    start = draw.randrange(len(data))
    data[start:start] = data[start : start + draw.randrange(1, 200)]


def splice(draw, data, others):
    other = draw.choice(others)
    data[draw.randrange(len(data)) :] = other[draw.randrange(len(other)) :]


def length(draw, data, others):
    value = draw.choice([0, 1, 2**31, 2**32, 2**63, 2**64 - 1, len(data), len(data) - 8, draw.randrange(len(data))])
    data[:8] = value.to_bytes(8, "little")


def digit(draw, data, others):
    """Change a number in the header."""
    end = 8 + int.from_bytes(data[:8], "little")
    places = [i for i in range(8, end) if 48 <= data[i] < 58]
    data[draw.choice(places)] = draw.choice(b"0123456789-.e")


def described(draw, data, others):
    """Change a value of the description, with a header of the right length."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    description = json.loads(header["__metadata__"]["fastopt"])
    holder = description if draw.random() < 0.8 else header
    while True:
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw.random() < 0.2:
            break
        holder = holder[key]
    holder[key] = draw.choice(VALUES)
    if "__metadata__" in header and isinstance(header["__metadata__"], dict):
        header["__metadata__"]["fastopt"] = json.dumps(description)
    text = json.dumps(header).encode()
    data[:end] = len(text).to_bytes(8, "little") + text


CHANGES = [flip, flip, overwrite, cut, remove, double, splice, length, digit, digit, described, described]


def run(size, first=0):
    """Load so many changed files."""
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    counts = mmap.mmap(-1, mmap.PAGESIZE)  # of files that were read, over all processes
    with tempfile.TemporaryDirectory(dir=folder) as home:
        files = originals(home)
        place, again = os.path.join(home, "changed"), os.path.join(home, "again")

        def attempt(number):
            draw = random.Random(number)
            data = bytearray(draw.choices(files, [8, 1, 1])[0])
            draw.choice(CHANGES)(draw, data, files)
            with open(place, "wb") as file:
                file.write(data)
            try:
                model = fo.load_model(place)
            except ValueError as error:
                return None if str(error).startswith(place) else f"does not name the file: {error}"
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            counts[:8] = (1 + int.from_bytes(counts[:8], "little")).to_bytes(8, "little")
            if number % 10:
                return None
            try:
                model.save(again)
                once = Path(again).read_bytes()
                fo.load_model(again).save(again)
                if Path(again).read_bytes() != once:
                    return "what was read is not what was saved of it"
            except Exception as error:
                return f"was read, but then {type(error).__name__}: {error}"
            return None

        def limited():
            warnings.simplefilter("ignore")
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

        faults = tried(attempt, first, size, limited)
    read = int.from_bytes(counts[:8], "little")
    return f"{size - read} files refused with an error that names them, {read} read", faults
