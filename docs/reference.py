"""The pages of the reference: one for each module that is public, and one for each name in it."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import fastopt

MODULES = sorted(
    name
    for name in [*fastopt.__all__, *fastopt.EXTRAS]
    if name in fastopt.EXTRAS or isinstance(getattr(fastopt, name), ModuleType)
)


def objects(module: str) -> dict[str, Any]:
    """Return what a public module has, by name; ``""`` is the package itself."""
    found = importlib.import_module(f"fastopt.{module}" if module else "fastopt")
    names = (name for name in found.__all__ if not name.startswith("__"))
    return {name: value for name in names if not isinstance(value := getattr(found, name), ModuleType)}


def public() -> dict[str, str]:
    """Return the names of all that is public, with the name under which each has its page."""
    names, first = {}, {}
    for module in ("", *MODULES):
        place = f"fastopt.{module}".rstrip(".")
        if module:
            names[place] = place
        for name, value in objects(module).items():
            whole = f"{place}.{name}"
            names[whole] = first.setdefault(id(value), whole) if callable(value) else whole
    return names


def members(name: str) -> str:
    """Return what a class has of its own, and of bases that have no page."""
    module, _, attribute = name.rpartition(".")
    cls = getattr(importlib.import_module(module), attribute)
    shown = {value for part in ("", *MODULES) for value in objects(part).values() if inspect.isclass(value)}
    paged = [base for base in cls.__mro__[1:] if base in shown]
    names = []
    for base in cls.__mro__:
        if base.__module__.startswith("fastopt") and not any(issubclass(other, base) for other in paged):
            names += [name for name, value in vars(base).items() if _described(name, value)]
    return ", ".join(sorted({name for name in names if _described(name, inspect.getattr_static(cls, name))}))


def _described(name: str, value: object) -> bool:
    """Return whether a member has a place on the page of its class: a method or a property of fastopt's own."""
    kind = inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod)
    own = str(getattr(value, "__module__", "fastopt")).startswith("fastopt")
    return kind and own and not name.startswith("_")


def _summary(module: str) -> str:
    """Return the tables of a module's names; their pages are made by autosummary."""
    text = ""
    kinds: dict[str, list[str]] = {"Classes": [], "Functions": [], "Tables and types": []}
    place, pages = f"fastopt.{module}".rstrip("."), public()
    for name, value in objects(module).items():
        page = pages[f"{place}.{name}"]
        if page != f"{place}.{name}":
            text += f"`{page}` is ``{place}.{name}`` as well.\n\n"
            continue
        kind = "Classes" if inspect.isclass(value) else "Functions" if callable(value) else "Tables and types"
        kinds[kind].append(name)
    for kind, names in kinds.items():
        if names:
            listed = "\n".join(f"   {name}" for name in sorted(names))
            text += f".. rubric:: {kind}\n\n.. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n\n"
    return text


def write(folder: Path) -> None:
    """Write the pages, but for those that are as they were: what has changed is built anew."""
    folder.mkdir(exist_ok=True)
    kept = set(public().values())
    for page in folder.glob("generated/*.rst"):  # of what is no longer public
        if page.stem not in kept:
            page.unlink()
    for module in MODULES:
        name = f"fastopt.{module}"
        page = f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n   :no-members:\n\n.. currentmodule:: {name}\n\n"
        _put(folder / f"{module}.rst", page + _summary(module))
    text = "fastopt\n=======\n\n.. currentmodule:: fastopt\n\n" + _summary("")
    _put(folder / "fastopt.rst", text)
    pages = "\n".join(f"   {name}" for name in ("fastopt", *MODULES))
    index = "Reference\n=========\n\nAll that is public, made of the docstrings.\n\n"
    _put(folder / "index.rst", f"{index}.. toctree::\n   :maxdepth: 1\n\n{pages}\n")


def _put(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
