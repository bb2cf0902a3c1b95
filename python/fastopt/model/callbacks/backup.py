"""Training that goes on after the process was killed."""

import os
from contextlib import suppress
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.files import opened, replaced
from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["BackupAndRestore"]

FILE = "backup.safetensors"
KEY = "fastopt backup"
SOLVER = "solver/"  # before the names of what a solver remembers
ARRAYS = "arrays"  # in the place of a list of arrays, with their number
SHOWN = 5  # names in a message


class BackupAndRestore(Callback):
    """Writes all that training depends on to a file before each epoch, and goes on from it after an interruption.

    Run the same program again with the same folder: `fit` finds the file, takes everything from it and begins at the
    epoch that was not finished. However the process ended, by Ctrl-C, ``kill -9`` or a loss of power, the final weights
    and the history are those of a training that was not interrupted, to the bit. The other callbacks go on from what
    their ``get_state`` returned, fastopt's own and those of one's own that have it.

    The file is replaced as a whole. It holds weights, running statistics, slots and counters of the optimizer, its
    hyperparameters that are numbers, the history and the state of the callbacks; not the layers, the loss and the data,
    which the program makes again. So functions as losses or schedules are allowed.

    Where `fit` is given an iterable of batches, it has to give the same ones again: the epoch that was not finished
    then begins at its first batch, for which those of the epochs before are drawn from a generator and left out. What
    has a random state of its own, such as a `DataLoader` that shuffles, begins that anew.

    Args:
        backup_dir: The folder of the file, made if it is not there; one for each training.
        every: How many epochs lie between two backups, at least 1.
        delete_checkpoint: Whether the file is removed when training has ended by itself; else another run of the
            program finds it finished and trains nothing.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; or, when training begins, the file is
            that of another model.
        OSError: The file cannot be read or written.

    Example:
        >>> import tempfile
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> backup = fo.callbacks.BackupAndRestore(tempfile.mkdtemp())
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[backup], verbose=0)
        >>> history.epoch
        [0, 1, 2]
    """

    saves = True

    def __init__(self, backup_dir: str | os.PathLike[str], every: int = 1, delete_checkpoint: bool = True) -> None:
        self.backup_dir = checks.path("backup_dir", backup_dir)
        self.every_epochs = checks.integer("every", every, 1)
        self.delete_checkpoint = checks.flag("delete_checkpoint", delete_checkpoint)

    @property
    def path(self) -> str:
        """The file."""
        return os.path.join(self.backup_dir, FILE)

    def on_train_begin(self) -> None:
        """Go on from the file, if there is one."""
        os.makedirs(self.backup_dir, exist_ok=True)
        self._finished = False
        self._found: dict[str, Any] | None = None
        with suppress(FileNotFoundError):
            self._found = self._read()

    def on_epoch_begin(self, epoch: int) -> None:
        """Write the file."""
        if self._found is not None:
            self._restore_callbacks()
        elif (epoch - self.params["initial_epoch"]) % self.every_epochs == 0:
            self._write(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Notice the end of the last epoch."""
        self._finished = epoch + 1 == self.params["epochs"]

    def on_train_end(self) -> None:
        """Remove the file, or write it for the last time, if training has ended by itself."""
        self._restore_callbacks()  # where no epoch was left
        if not (self._finished or self.model.stop_training):
            return
        if self.delete_checkpoint:
            with suppress(FileNotFoundError):
                os.remove(self.path)
        else:
            self._write(self.params["epochs"])

    def _write(self, epoch: int) -> None:
        import json

        from safetensors.numpy import save

        model = self.model
        tensors = model.parameters | model.state | model.slots  # the slots tell the optimizer the epoch
        tensors |= {f"{SOLVER}{name}": values for name, values in (model._solver_slots() or {}).items()}
        states = [callback.get_state() for callback in self._callbacks]
        for i, state in enumerate(states):
            for name, value in state.items():
                if isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
                    tensors |= {f"callbacks/{i}/{name}/{j}": array for j, array in enumerate(value)}
                    state[name] = {ARRAYS: len(value)}
        header = {
            "epoch": epoch,
            "seed": model.seed,
            "epochs_trained": model.epochs_trained,
            "draws": model.draws,
            "classes": _labels(model),
            "state": getattr(model.optimizer, "state", None),
            "numbers": [_numbers(part) for part in _parts(model.optimizer)],
            "callbacks": states,
        }
        data = save(tensors, {KEY: json.dumps(header)})
        with replaced(self.path) as file:
            file.write(data)

    def _read(self) -> dict[str, Any]:
        """Take what the model is to go on from, and return what is left for the callbacks."""
        import json

        from safetensors.numpy import load

        with opened(self.path) as file:
            data = file.read()
        try:
            head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            header: dict[str, Any] = json.loads(head["__metadata__"][KEY])
            tensors = load(data)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is not a backup of fastopt's, or has been changed: {error}") from error
        model = self.model
        if header["seed"] != model.seed:
            raise ValueError(
                f"{self.path} was written with the seed {header['seed']}; this model has {model.seed}. Give the model "
                "the same seed each time, or remove the file to begin anew."
            )
        if header["classes"] != _labels(model):
            raise ValueError(
                f"{self.path} is the backup of another training: the labels of classes differ. Remove it to begin anew."
            )
        before, model.epochs_trained = model.epochs_trained, header["epochs_trained"]  # which says what slots there are
        views = model.parameters | model.state | model.slots
        of_callbacks = {name: tensors.pop(name) for name in [*tensors] if name.startswith("callbacks/")}
        of_solver = {name: tensors.pop(name) for name in [*tensors] if name.startswith(SOLVER)}
        kinds = [{name: (a.shape, a.dtype) for name, a in arrays.items()} for arrays in (tensors, views)]
        if kinds[0] != kinds[1] or len(header["callbacks"]) != len(self._callbacks):
            model.epochs_trained = before
            other = sorted(dict(kinds[0].items() ^ kinds[1].items()))
            what = f"the arrays {', '.join(other[:SHOWN])} differ" if other else "the number of callbacks differs"
            raise ValueError(f"{self.path} is the backup of another training: {what}. Remove it to begin anew.")
        for name, view in views.items():
            view[...] = tensors[name]
        for part, numbers in zip(_parts(model.optimizer), header["numbers"], strict=True):
            for name, value in numbers.items():
                if getattr(part, name) != value:
                    setattr(part, name, value)
        model.draws = header["draws"]
        if header["state"] is not None:
            model.optimizer.state = header["state"]
        if of_solver:
            model._restore_solver({name.removeprefix(SOLVER): values for name, values in of_solver.items()})
        self.params["initial_epoch"] = header["epoch"]
        for i, state in enumerate(header["callbacks"]):
            for name, value in state.items():
                if isinstance(value, dict) and value.keys() == {ARRAYS}:
                    state[name] = [of_callbacks[f"callbacks/{i}/{name}/{j}"] for j in range(value[ARRAYS])]
        return header

    def _restore_callbacks(self) -> None:
        if self._found is not None:
            for callback, state in zip(self._callbacks, self._found["callbacks"], strict=True):
                callback.set_state(state)
            self._found = None

    @property
    def _callbacks(self) -> list[Callback]:
        return [callback for callback in self.params["callbacks"] if callback is not self]


def _parts(optimizer: Any) -> list[Any]:
    """Return the optimizer and those that it surrounds; a solver has no parts."""
    return getattr(optimizer, "parts", [optimizer])


def _labels(model: Any) -> dict[str, list[str]]:
    """Return the labels of classes as text, of each output that has some."""
    return {name: list(map(repr, labels.tolist())) for name, labels in model._classes.items()}


def _numbers(part: object) -> dict[str, float]:
    """Return the hyperparameters that are numbers, which callbacks may have set."""
    return {name: value for name, value in vars(part).items() if isinstance(value, float)}
