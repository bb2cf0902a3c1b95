"""What a member of a fleet is given, and what has become of it."""

import copy
import functools
import inspect
import math
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastopt.core import checks
from fastopt.core.warn import collected
from fastopt.model.callbacks.base import Callback
from fastopt.model.callbacks.history import History
from fastopt.model.data import Checked
from fastopt.model.fit import checked_callbacks
from fastopt.model.sequential import Sequential
from fastopt.model.source import ONCE
from fastopt.model.weighted import checked_model

__all__ = ["Member", "Score", "fit_arguments", "refuse_one_pass", "trained", "work_of"]

FILES = ("filename", "filepath", "path")  # attributes of callbacks that write
ROW_COST = 2000.0  # what a sample costs beside its products, in weights


@dataclass(eq=False)
class Member:
    """What has become of a member of a fleet.

    Attributes:
        index: Its place in the fleet.
        model: The model.
        history: The record of its training, as far as it has come.
        callbacks: Its own callbacks: copies of those that were given for all.
        ending: ``"finished"``: all epochs; ``"stopped"``: before the last one, by a callback or because a solver has
            converged, see ``history.message``; ``"failed"``: by `error`.
        error: What it raised, or None. The model is then as `fit` says: of its last whole step.
        warnings: What it warned of.
        value: What `cross_validate` has found with it; None elsewhere.
    """

    index: int
    model: Any
    history: History = field(default_factory=History)
    callbacks: list[Callback] = field(default_factory=list)
    ending: str = "finished"
    error: BaseException | None = None
    warnings: list[str] = field(default_factory=list)
    value: Any = None

    def __repr__(self) -> str:
        end = self.ending if self.error is None else f"{self.ending} by {type(self.error).__name__}: {self.error}"
        return f"Member({self.index}, {len(self.history.epoch)} epochs, {end})"


def fit_arguments(
    models: Sequence[Any], shared: Mapping[str, Any], each: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]]:
    """Return the arguments of each member's `fit`, whose inputs are checked, once where they are the same.

    Raises:
        TypeError, ValueError: There is not one set of arguments for each member, or one is unknown.
    """
    own: list[Any] = [{}] * len(models) if each is None else checks.items("each", each)
    if len(own) != len(models):
        raise ValueError(f"each has {len(own)} sets of arguments; there are {len(models)} models.")
    seen: dict[int, int] = {}
    known: dict[tuple[int, str], Checked] = {}
    result = []
    for i, (model, given) in enumerate(zip(models, own, strict=True)):
        if seen.setdefault(id(checked_model(f"models[{i}]", model)), i) != i:
            raise ValueError(f"models[{seen[id(model)]}] and models[{i}] are the same.")
        if not isinstance(given, Mapping):
            raise TypeError(f"each[{i}] must be a dict of arguments of fit, not {given!r}.")
        arguments = dict(shared) | dict(given)
        kind: Any = type(model)
        names = _names_of(kind)
        if unknown := [name for name in arguments if name not in names]:
            raise TypeError(f"{unknown[0]!r} is no argument of a member's fit; there are {', '.join(sorted(names))}.")
        if arguments.get("x") is None:
            raise TypeError(f"x is missing: give it for all, or each[{i}] its own.")
        if arguments.get("y") is None and "x" not in given and len(models) > 1:
            raise TypeError("y is missing: models share arrays x and y; batches go to each its own, as each[i]['x'].")
        arguments["callbacks"] = checked_callbacks(arguments.get("callbacks"))
        if "callbacks" not in given:
            arguments["callbacks"] = _copies(arguments["callbacks"], len(models))
        if "validation_data" not in given and len(models) > 1:
            refuse_one_pass("validation_data", arguments.get("validation_data"))
        x = arguments["x"]
        one = isinstance(model, Sequential) or (len(model.graph.input_shapes) == 1 and not isinstance(x, list | tuple))
        if one and arguments.get("y") is not None and model.encoder is None:
            key = id(x), model.dtype
            if key not in known:
                known[key] = Checked(x, None, model.dtype)
            arguments["x"] = known[key]
        result.append(arguments)
    return result


@functools.cache
def _names_of(kind: type[Any]) -> frozenset[str]:
    return frozenset(inspect.signature(kind.fit).parameters.keys() - {"self", "verbose"})


def refuse_one_pass(name: str, given: object) -> None:
    """Refuse batches of which several models would each get some."""
    if isinstance(given, Iterator):
        raise ValueError(f"{name} is for several models, but {ONCE}.")


def _copies(callbacks: list[Callback], count: int) -> list[Callback]:
    """Return callbacks of a member's own."""
    if count == 1:
        return callbacks
    copies = []
    for i, callback in enumerate(callbacks):
        file = next((name for name in FILES if isinstance(getattr(callback, name, None), str | os.PathLike)), None)
        if file is not None:
            raise ValueError(
                f"callbacks[{i}] would write {getattr(callback, file)!r} for every model: give each model its own, as "
                "each=[{'callbacks': [...]}, ...]."
            )
        model = vars(callback).get("model")
        try:
            copies.append(copy.deepcopy(callback, {} if model is None else {id(model): model}))
        except TypeError as error:
            raise TypeError(
                f"callbacks[{i}] cannot be copied for each model ({error}): give each its own, as "
                "each=[{'callbacks': [...]}, ...]."
            ) from error
    return copies


def work_of(model: Any, arguments: Mapping[str, Any]) -> tuple[float, int]:
    """Return about what an epoch costs, in products with weights, or 0; and how many epochs there are to do."""
    x, rows = arguments["x"], arguments.get("rows")
    epochs = arguments.get("epochs", 1), arguments.get("initial_epoch", 0)
    if not all(isinstance(number, int) for number in epochs):
        return 0.0, 0  # which `fit` will refuse
    cost = 0.0
    if isinstance(x, Checked):
        with suppress(ValueError, TypeError):  # which `fit` will raise
            plan = model.plan(x.shape) if isinstance(model, Sequential) else model.graph
            weights = sum(math.prod(tensor.shape) for tensor in plan.parameters.values())
            cost = (len(x) if rows is None else len(rows)) * (weights + ROW_COST)
    return cost, max(0, epochs[0] - epochs[1])


# What is found with a member that has been trained, of it and the arguments of its `fit`.
Score = Callable[[Member, Mapping[str, Any]], Any]


def trained(index: int, model: Any, arguments: Mapping[str, Any], verbose: Any, score: Score | None) -> Member:
    """Return what becomes of a member in its `fit`."""
    before = model.history
    member = Member(index, model)
    with collected() as warnings:
        try:
            model.fit(**arguments, verbose=verbose)
            if score is not None:
                member.value = score(member, arguments)
        except BaseException as error:
            member.ending, member.error = "failed", error
            traceback.clear_frames(error.__traceback__)  # which hold copies of labels and orders
    if model.history is not before:
        member.history = model.history
    member.callbacks = arguments["callbacks"]
    member.warnings = [text for text, _ in warnings]
    return member
