"""Every argument of everything public is checked: what its annotation does not allow is refused, and named.

A class or function that is exported is walked; one that cannot be called without arguments has a row in
`cases/arguments.py`.
"""

import inspect
import re
import traceback
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pytest
from cases.arguments import calls, kernel_calls

# What messages of kernels call these arguments, beside "an argument".
ALIASES = {"logits": "prediction", "w": "params"}
# What is not read unless the activation needs it.
UNREAD = {("kernels.dense_backward_input", "y")}
# Any string is right.
FREE = {
    "name",
    "label",
    "path",
    "title",
    "monitor",
    "backup_dir",
    "file",
    "filename",
    "filepath",
    "folder",
    "log_dir",
    "note",
}


def flattened(hint):
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [one for arm in typing.get_args(hint) for one in flattened(arm)]
    return [hint]


def hints_of(thing):
    function = thing.__init__ if inspect.isclass(thing) else thing
    names = dict.fromkeys(("Axes",), object)  # matplotlib's, of which the annotations speak in quotes
    return typing.get_type_hints(function, getattr(function, "__globals__", {}) | names)


def wrong(parameter, hint):
    """Values of types that the annotation does not name, and words and numbers that nothing takes."""
    arms = flattened(hint)
    if hint in (typing.Any, object, inspect.Parameter.empty):
        return
    origins = {typing.get_origin(arm) or arm for arm in arms}
    arrays = bool(origins & {np.ndarray}) or "ArrayLike" in str(hint) or "_SupportsArray" in str(hint)
    callables = origins & {Callable}
    collections = origins & {list, tuple, dict, Sequence, Iterable, Mapping}
    words = str in origins or typing.Literal in origins
    yield "object", object()
    if type(None) not in origins:
        yield "None", None
    if not (words and parameter in FREE):
        yield "word", "banana"
    if not arrays and bool not in origins:
        yield "bool", True
    if not arrays and not origins & {int, float}:
        yield "int", 3
    if not arrays and float not in origins:
        yield "float", 0.5
    if not arrays:
        yield "complex", 1j
    if float in origins:
        yield "nan", float("nan")
    if not arrays and not collections:
        yield "list", ["banana"]
    if not callables:
        yield "function", print
    if not origins & {dict, Mapping}:
        yield "dict", {"banana": 1}


@pytest.mark.parametrize(("make", "good"), [pytest.param(make, good, id=key) for key, make, good in calls()])
def test_good(make, good):
    make()(**good)


@pytest.mark.parametrize(("name", "kernel", "good"), list(kernel_calls()))
def test_good_kernel(name, kernel, good):
    kernel(**good)


def rows():
    kernels = ((key, lambda thing=thing: thing, good) for key, thing, good in kernel_calls())
    for key, make, good in [*calls(), *kernels]:
        thing = make()
        hints = hints_of(thing)
        for parameter in inspect.signature(thing).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or (key, parameter.name) in UNREAD:
                continue
            if values := list(wrong(parameter.name, hints.get(parameter.name, inspect.Parameter.empty))):
                yield pytest.param(make, good, parameter.name, values, id=f"{key}-{parameter.name}")


def error_of(call, arguments):
    """What a call with wrong arguments raises, or None."""
    try:
        call(**arguments)
    except (TypeError, ValueError) as error:
        return error
    return None


@pytest.mark.parametrize(("make", "good", "name", "values"), list(rows()))
def test_wrong(make, good, name, values):
    said = re.compile(rf"(?i){name.rstrip('s')}|{ALIASES.get(name, name)}|an argument")
    for what, value in values:
        error = error_of(make(), good | {name: value})
        assert error is not None, f"{what} is taken"
        assert said.search(str(error)), what
        place = traceback.extract_tb(error.__traceback__)[-1].filename
        assert "fastopt" in place, (what, place)  # not by something deep within NumPy
