"""How far the run has come, and how long the rest will take."""

import sys
import time
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from .kind import Kind


class Progress:
    """A bar over rows. Rows of a group take about the same time, those of different groups do not."""

    def __init__(self, rows: Sequence[Kind], passes: int) -> None:
        self.left = [row.group for row in rows]
        self.passes = passes
        self.taken: dict[str, list[float]] = {}
        self.bar = tqdm(
            total=len(rows) * passes,
            bar_format="{percentage:3.0f}% |{bar:24}| {elapsed}{postfix}",
            mininterval=0.1 if sys.stderr.isatty() else 10,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def begin(self, row: str) -> None:
        self.row, self.began, self.done = row, time.perf_counter(), 0
        self.show()

    def tick(self) -> None:
        """One pass over the peers is done."""
        self.done += 1
        self.show()
        self.bar.update()

    def end(self) -> None:
        """The row is done, or has been left out."""
        self.taken.setdefault(self.left.pop(0), []).append(time.perf_counter() - self.began)
        self.bar.update(self.passes - self.done)

    def show(self) -> None:
        seconds = self.seconds_left()
        rest = "" if seconds is None else f", about {tqdm.format_interval(seconds)} left"
        self.bar.set_postfix_str(f"{self.row}{rest}", refresh=False)

    def seconds_left(self) -> float | None:
        """The rest of this row at its own pace, and a mean row of their group, or of any, for the rows after it."""
        own = self.left[0]
        if self.done:
            elapsed = time.perf_counter() - self.began
            rest = elapsed * (self.passes - self.done) / self.done
            known = {**self.taken, own: [*self.taken.get(own, []), elapsed + rest]}
        else:
            known = self.taken
            rest = 0.0
        if not known:
            return None
        anything = float(np.mean([seconds for all_of_group in known.values() for seconds in all_of_group]))
        waiting = self.left[1:] if self.done else self.left
        return rest + sum(float(np.mean(known[group])) if group in known else anything for group in waiting)
