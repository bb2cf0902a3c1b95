"""Whether all processes are about to train the same model in the same way."""

import re
from collections.abc import Mapping
from typing import Any

from fastopt.core import checks
from fastopt.distributed.group import Group
from fastopt.model.plan import Plan

__all__ = ["check_same", "default_shards"]

SHARDS = 4  # of a batch, for numbers of processes that divide it


def default_shards(given: object, processes: int) -> int:
    """Return the number of shards of a batch, checked."""
    if given is None:
        return SHARDS if SHARDS % processes == 0 else processes
    shards = checks.integer("shards", given, 1, 2**16)
    if shards % processes:
        raise ValueError(f"shards={shards} must be a multiple of the {processes} processes.")
    return shards


def check_same(group: Group, model: Any, plan: Plan, settings: Mapping[str, object]) -> None:
    """Raise ValueError, in all processes, where these differ between two of them; the message says what."""
    said = {
        "The dtype of the model": model.dtype,
        "The shape of a sample": plan.input_shapes,
        "The layers": [(name, _described(layer)) for name, layer in zip(model.layer_names, model.layers, strict=True)],
        "What the layers compute": repr(plan.specs),
        "The optimizer": _described(model.optimizer),
        "The loss and the metrics": _described(model.judged_by),
        "The classes": repr(model.classes),
        "The encoder": None if model.encoder is None else repr(model.encoder.state()),
    }
    said |= {f"The argument {name}": value for name, value in settings.items()}
    every = group.objects(said)
    for rank, other in enumerate(every):
        for name, value in other.items():
            if value != every[0][name]:
                shown = f"{_short(every[0][name])} in rank 0 and {_short(value)} in rank {rank}"
                raise ValueError(f"{name} must be the same in all ranks; {shown}.")


def _described(value: object) -> str:
    """Return what describes it, without the addresses of functions."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."
