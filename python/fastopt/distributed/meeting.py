"""What processes do together at the beginning of a training and of each epoch, and at its end."""

from typing import Any

import numpy as np

from fastopt.distributed.group import Group
from fastopt.model.callbacks.base import Logs
from fastopt.model.progress import Progress

__all__ = ["Meeting"]


class Meeting(Progress):
    """Begins with the model of the first process, stops where one stops, and shows what another shows.

    Args:
        group: The processes.
        shown: What shows it here.
    """

    def __init__(self, group: Group, shown: Progress) -> None:
        self._group, self._shown = group, shown
        self._begun = False

    def on_train_begin(self) -> None:
        """Take the model of the first process, which may have found a backup."""
        self._take_model()
        self._shown.model, self._shown.params = self.model, self.params
        self._shown.on_train_begin()

    def on_epoch_begin(self, epoch: int) -> None:
        """Stop where one stops."""
        if not self._begun:
            self._take_callbacks()
            self._begun = True
        self._agree("begin an epoch")
        self._shown.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Stop where one stops."""
        self._agree("end an epoch")
        self._shown.on_epoch_end(epoch, logs)

    def on_train_end(self) -> None:
        """Nothing else."""
        self._shown.on_train_end()

    def poll(self, samples: int) -> None:
        """Show it."""
        self._shown.poll(samples)

    def close(self) -> None:
        """Close what shows it."""
        self._shown.close()

    def _agree(self, what: str) -> None:
        if self._group.meet(what, bool(self.model.stop_training)):
            self.model.stop_training = True

    def _take_model(self) -> None:
        """Take the weights, the state of layers and of the optimizer, and how far training has come."""
        model = self.model
        model._ready()
        optimizer: Any = model.optimizer
        parts = getattr(optimizer, "parts", [optimizer])
        tensors = model.parameters | model.state | model.slots
        first = self._group.first(
            (
                {name: np.array(values) for name, values in tensors.items()},
                [{name: value for name, value in vars(part).items() if isinstance(value, float)} for part in parts],
                model.draws,
                model.epochs_trained,
                getattr(optimizer, "state", None),
                model._solver_slots(),
                self.params["initial_epoch"],
            )
        )
        if self._group.rank == 0:
            return
        arrays, numbers, model.draws, model.epochs_trained, state, slots, self.params["initial_epoch"] = first
        for part, values in zip(parts, numbers, strict=True):
            for name, value in values.items():
                if getattr(part, name) != value:
                    setattr(part, name, value)
        for name, view in (model.parameters | model.state | model.slots).items():
            view[...] = arrays[name]
        if state is not None:
            optimizer.state = state
        if slots:
            model._restore_solver(slots)

    def _take_callbacks(self) -> None:
        """Take what callbacks go on from after a backup."""
        callbacks = [one for one in self.params["callbacks"] if not one.saves]
        states = self._group.first([one.get_state() for one in callbacks])
        for one, state in zip(callbacks, states, strict=True):
            if self._group.rank and state:
                one.set_state(state)
