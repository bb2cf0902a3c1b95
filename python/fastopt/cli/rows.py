"""The rows of a table in a file, in three parts: to train with, to tell the best epoch, to test with."""

import copy
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.cli.scan import Plan
from fastopt.data.encoder import TableEncoder
from fastopt.data.tables import TableFile, arrow, named
from fastopt.preprocessing import Standardizer
from fastopt.tools.realmlp import BATCH_SIZE

__all__ = ["SCORED", "Rows"]

TEST, VALIDATION = 0.2, 0.16  # of the rows
SCORED = 100_000  # rows of each part at most, which the scores are of
CATEGORIES = 100  # of a column, of which further ones are rare
SHARE = 4  # of memory, one in so many of which the encoded rows may take


class Rows:
    """The rows of a table in three parts, encoded: one to train with, one to tell the best epoch, one to test with.

    Args:
        file: The table.
        plan: What is learned from what.
        categorical: Columns of numbers that are categories.
        seed: Decides which rows are of which part.

    Attributes:
        encoder: What makes numbers of the columns, fitted to the first part.
        counts: The number of rows of each part.
        unlabelled: The number of rows that have no target, which are of no part.
        center, scale: Mean and standard deviation of the targets of a regression.
        fit_into_memory: Whether the encoded rows take no more than a part of the memory of this machine.
        parts: The inputs and the targets of each part; where they do not fit into memory, the first of those to train
            with.
    """

    def __init__(self, file: TableFile, plan: Plan, categorical: Sequence[str], seed: int) -> None:
        self._file, self.plan, self._seed = file, plan, seed
        self._shares = [min(share, SCORED / plan.rows) for share in (TEST, VALIDATION)]
        self.encoder = TableEncoder(
            "robust",
            "sign_or_one_hot",
            [name for name in categorical if name in plan.columns],
            "median",
            indicators=True,
            max_categories=CATEGORIES,
        )
        self.counts, self.unlabelled = np.zeros(3, int), 0
        values = Standardizer()
        for where, table, y, part in self._parts():
            rows = np.flatnonzero(part == 0)
            self.counts += np.bincount(part[part >= 0], minlength=3)
            self.unlabelled += int(np.count_nonzero(part < 0))
            if len(rows):
                with named(where):
                    self._learn(table.select(plan.columns), rows)
                values.partial_fit(y[rows, np.newaxis])
        if self.counts.min() == 0:
            raise ValueError(f"{file.path} has {self.counts.sum()} rows with a target, which are too few to learn from")
        self.center, self.scale = float(values.mean[0]), float(values.scale[0])
        with named(file.path):
            self.features = len(self.encoder.feature_names_out)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self.fit_into_memory = 4 * int(self.counts.sum()) * self.features <= memory / SHARE
        self.parts = [self._some(part) for part in range(3)]
        self._passes = 0

    @property
    def labels(self) -> NDArray[Any] | None:
        """The labels of the classes; None for regression."""
        return None if self.plan.classes is None else np.array(self.plan.classes.to_pylist())

    @property
    def abouts(self) -> list[tuple[str, str]]:
        """The columns, with the number of categories of those that have some."""
        known = self.encoder.vocabularies
        return [(name, f" ({len(known[name])})" if name in known else "") for name in self.plan.columns]

    def batches(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Give the rows of the first part in batches, in a random order within each piece."""
        self._passes += 1
        rng = np.random.default_rng([self._seed, self._passes])
        for where, table, y, part in self._parts():
            x, rows = self._encoded(where, table), rng.permutation(np.flatnonzero(part == 0))
            for start in range(0, len(rows), BATCH_SIZE):
                some = rows[start : start + BATCH_SIZE]
                yield x[some], y[some] if self.plan.classes is None else y[some].astype(np.int64)

    def _learn(self, table: Any, rows: NDArray[Any]) -> None:
        try:
            self.encoder.partial_fit(table.take(rows))
        except (TypeError, ValueError):
            copy.deepcopy(self.encoder).partial_fit(table)  # whose message counts all rows
            raise

    def _encoded(self, where: str, table: Any) -> NDArray[Any]:
        with named(where):
            return self.encoder.transform(table.select(self.plan.columns))

    def _some(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the inputs and targets of a part; of those to train with, if memory is short, some."""
        most = SCORED if number == 0 and not self.fit_into_memory else self.plan.rows
        xs, ys, count = [], [], 0
        for where, table, y, part in self._parts():
            rows = np.flatnonzero(part == number)[: most - count]
            if len(rows):
                xs.append(self._encoded(where, table)[rows])
                ys.append(y[rows])
                count += len(rows)
        of = np.float64 if self.plan.classes is None else np.int64
        return np.concatenate(xs), np.concatenate(ys).astype(of)

    def _parts(self) -> Iterator[tuple[str, Any, NDArray[Any], NDArray[Any]]]:
        """Give where tables are, tables, targets and the part of each row, or -1; the same in each pass."""
        for number, (where, table) in enumerate(self._file.placed()):
            y = self._targets(where, table[self.plan.target])
            known = np.flatnonzero(~np.isnan(y))
            part = np.full(len(y), -1)
            # Of each class, or of each size of the target, a part gets its share: rows are dealt in this order.
            order = np.random.default_rng([self._seed, number]).permutation(known)
            order = order[np.argsort(y[order], kind="stable")]
            test = _dealt(len(order), self._shares[0])
            rest = order[~test]
            part[order[test]] = 2
            part[rest] = _dealt(len(rest), self._shares[1] / (1.0 - self._shares[0]))
            yield where, table, y, part

    def _targets(self, where: str, column: Any) -> NDArray[Any]:
        """Return the number of the class of each row, or its value; NaN where it is missing."""
        pa = arrow()
        if self.plan.classes is None:
            values = column.cast(pa.float64()).to_numpy()
            if np.isinf(values).any():
                row = int(np.argmax(np.isinf(values)))
                raise ValueError(f"{where}: column {self.plan.target!r} is {values[row]} in row {row}")
            return np.asarray(values, np.float64)
        if pa.types.is_floating(column.type):
            column = pa.compute.if_else(pa.compute.is_nan(column), None, column)
        found = pa.compute.index_in(column.cast(self.plan.classes.type), value_set=self.plan.classes)
        return np.asarray(found.cast(pa.float64()).to_numpy(), np.float64)


def _dealt(count: int, share: float) -> NDArray[np.bool_]:
    """Return which of so many rows in order are of a part with this share: every fifth where the share is 0.2."""
    return np.asarray(np.diff(np.floor(np.arange(count + 1) * share + 0.5)) > 0)
