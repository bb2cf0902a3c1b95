"""What a fleet shows while it trains, and what its members tell it."""

import math
import threading
import time
from typing import Any

from fastopt.core import bars
from fastopt.core.registry import unknown_name
from fastopt.fleet.member import Member
from fastopt.fleet.turns import Turns
from fastopt.model.callbacks.base import Logs
from fastopt.model.progress import Progress

__all__ = ["Shown", "Steps", "shown"]

SHORT, SEVERAL = 3e-4, 3  # seconds of an epoch, and how many such epochs in a row


class Shown:
    """Shows nothing; the base of what shows something. Members call it from their threads, one at a time.

    Args:
        members: How many members there are.
        work: What they have to do in all, in any unit.
    """

    def __init__(self, members: int, work: float) -> None:
        self._members = members
        self._work = work
        self._ended = 0
        self._best = math.inf
        self._name = "loss"
        self._lock = threading.Lock()

    def epoch(self, done: float, logs: Logs) -> None:
        """Called after each epoch of a member with what it took and its logs."""
        with self._lock:
            if self._name == "loss" and "val_loss" in logs:
                self._name, self._best = "val_loss", math.inf
            self._best = min(self._best, logs.get(self._name, math.inf))
            self._move(done)

    def skipped(self, done: float) -> None:
        """Called with what a member need not do."""
        with self._lock:
            self._move(done)

    def end(self, left: float, member: Member) -> None:
        """Called when a member has ended, with what it leaves undone."""
        with self._lock:
            self._ended += 1
            self._told(member)
            self._move(left)

    def close(self) -> None:
        """Called once, at the end."""

    def _move(self, work: float) -> None:
        """Go on by this much."""

    def _told(self, member: Member) -> None:
        """Say that a member has ended."""

    @property
    def best(self) -> str:
        """The best value so far."""
        return f"best {self._name} {self._best:.4g}" if self._best < math.inf else ""


class Lines(Shown):
    """One line a member on standard output."""

    def _told(self, member: Member) -> None:
        how = f"{len(member.history.epoch)} epochs, {member.ending}"
        if member.error is not None:
            how += f" by {type(member.error).__name__}"
        print("  ".join(filter(None, (f"model {member.index}: {how}", self._count, self.best))), flush=True)

    @property
    def _count(self) -> str:
        return f"{self._ended}/{self._members}"


class Bar(Shown):
    """One bar over all members on standard error."""

    _bar: Any = None

    def __init__(self, members: int, work: float) -> None:
        super().__init__(members, work)
        self._bar = bars.bar(
            desc=self._title,
            total=max(work, 1.0),
            bar_format="{desc} {percentage:3.0f}%|{bar:10}| {elapsed}<{remaining}{postfix}",
        )

    @property
    def _title(self) -> str:
        return f"models {self._ended}/{self._members}"

    def _told(self, member: Member) -> None:
        self._bar.set_description_str(self._title, refresh=False)

    def _move(self, work: float) -> None:
        self._bar.set_postfix_str(self.best, refresh=False)
        self._bar.update(work)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def shown(verbose: object, members: int, work: float) -> Shown:
    """Return what ``verbose`` asks for: 0 nothing, 1 a bar, 2 a line a member, ``"auto"`` as `fit`.

    Raises:
        ValueError: Anything else.
    """
    if verbose == "auto":
        return (Bar if bars.interactive() else Lines)(members, work)
    for number, kind in enumerate((Shown, Bar, Lines)):
        if verbose == number:
            return kind(members, work)
    raise unknown_name("verbose", verbose, ("auto", "0", "1", "2"))


class Steps(Progress):
    """Tells a fleet how far one of its members has come, and waits for its turns.

    Args:
        index: The member.
        epoch: What an epoch costs.
        epochs: How many there are to do.
        turns: The members' turns.
        fleet: What shows the fleet.

    Attributes:
        epochs: How many are left.
    """

    def __init__(self, index: int, epoch: float, epochs: int, turns: Turns, fleet: Shown) -> None:
        self._index, self._epoch, self.epochs = index, epoch, epochs
        self._turns, self._fleet = turns, fleet
        self._short = 0  # epochs in a row

    @property
    def left(self) -> float:
        """What is left to do."""
        return self._epoch * self.epochs

    def on_train_begin(self) -> None:
        """Count the epochs that a backup spares."""
        before, self.epochs = self.left, self.params["epochs"] - self.params["initial_epoch"]
        self._fleet.skipped(before - self.left)

    def on_epoch_begin(self, epoch: int) -> None:
        """Note the time."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Count the epoch."""
        self.epochs -= 1
        self._fleet.epoch(self._epoch, logs)
        single = time.perf_counter() - self._began >= logs["seconds"]  # not one of several that are told of afterwards
        self._short = self._short + 1 if single and logs["seconds"] < SHORT else 0
        left = 0.0 if self.model.stop_training else self.left
        self._turns.after_epoch(self._index, left, self._short >= SEVERAL)

    def close(self) -> None:
        """Let others go on."""
        self._turns.release(self._index)
