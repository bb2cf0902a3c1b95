"""A disk that is full: what writes a file says so, and the old file and the model stay as they were.

A limit of the size of files stands for the disk, at every length of a file in turn. Where the system lets us make a
small file system of its own, it is filled as well.
"""

import os
import resource
import subprocess
import tempfile
from pathlib import Path

import fastopt as fo
from reliability.children import tried
from reliability.models import X, Y, built, state


def writers(folder):
    """Return what writes files: what is called, for a model, and the file, whose old content stays."""

    def fit(callback):
        return lambda model: model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback])

    def path(name):
        return os.path.join(folder, name)

    return {
        "save": (lambda model: model.save(path("model")), "model"),
        "checkpoint": (fit(fo.callbacks.ModelCheckpoint(path("checkpoint.safetensors"))), "checkpoint.safetensors"),
        "table": (fit(fo.callbacks.CSVLogger(path("log.csv"), append=True)), "log.csv"),
        "backup": (
            fit(fo.callbacks.BackupAndRestore(path("backup"), delete_checkpoint=False)),
            "backup/backup.safetensors",
        ),
    }


def attempt_in(folder, name, limit):
    """Write when the disk has this much room; return what was wrong."""
    call, file = writers(folder)[name]
    old = Path(folder, file)
    old.parent.mkdir(exist_ok=True)
    if name in ("save", "checkpoint"):
        old.write_bytes(b"old")
    model = built()
    before = state(model)
    limit()
    try:
        call(model)
    except OSError as error:
        if file.split("/")[0] not in str(error):
            return f"{name}: the error does not name the file: {error}"
        if name == "save" and state(model) != before:
            return f"{name}: changed the model"
        if name in ("save", "checkpoint") and old.read_bytes() != b"old":
            return f"{name}: changed the old file"
        left = [each for each in os.listdir(old.parent) if each.startswith(".fastopt")]
        return f"{name}: leaves {left}" if left else None
    if name in ("save", "checkpoint"):
        fo.load_model(old)
    return None


def run(size, first=0):
    """Write with so many lengths at which the disk is full."""
    names = list(writers(""))

    def attempt(number):
        with tempfile.TemporaryDirectory() as folder:
            room = number // len(names) * 11 % 6000
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            fault = attempt_in(
                folder,
                names[number % len(names)],
                lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard)),
            )
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            return fault

    faults = tried(attempt, first, size)
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
        if mounted:
            try:
                faults += tried(lambda number: on_full(folder, names[number]), 0, len(names))
            finally:
                subprocess.run(["umount", folder], check=True)
    return f"{size} limits of files" + (", and a full file system" if mounted else ""), faults


def on_full(folder, name):
    """Fill the file system, but for a page, before writing."""

    def fill():
        filling = Path(folder, "filling")
        try:
            with open(filling, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            os.truncate(filling, os.path.getsize(filling) - 4096)

    fault = attempt_in(folder, name, fill)
    Path(folder, "filling").unlink()
    return fault
