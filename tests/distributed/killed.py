"""A training with backups, one of whose ranks is killed: `mpiexec -n N python killed.py FOLDER`."""

import hashlib
import os
import sys
import time

import numpy as np
from mpi4py import MPI

import fastopt as fo
from fastopt import distributed


class Slow(fo.callbacks.Callback):
    """Says that training has begun, and gives it time."""

    def on_epoch_begin(self, epoch):
        if epoch == self.params["initial_epoch"]:
            print(f"pid {os.getpid()}", flush=True)
        time.sleep(float(os.environ.get("PAUSE", "0")))


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4))
    y = (x[:, 0] > 0).astype(int)
    ends = len(x) * np.arange(MPI.COMM_WORLD.size + 1) // MPI.COMM_WORLD.size
    part = slice(ends[MPI.COMM_WORLD.rank], ends[MPI.COMM_WORLD.rank + 1])
    layers = [fo.layers.Dense(8, "tanh"), fo.layers.BatchNormalization(), fo.layers.Dropout(0.2), fo.layers.Dense(2)]
    model = fo.Sequential(layers, seed=0, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy")
    backup = fo.callbacks.BackupAndRestore(sys.argv[1], delete_checkpoint=False)
    history = distributed.fit(model, x[part], y[part], batch_size=16, epochs=30, verbose=0, callbacks=[backup, Slow()])
    values = [*model.get_weights(), np.array(history.history["loss"])]
    if MPI.COMM_WORLD.rank == 0:
        print("result", hashlib.sha256(b"".join(one.tobytes() for one in values)).hexdigest(), flush=True)


if __name__ == "__main__":
    main()
