"""Collections of bare arrays: an array, or lists, tuples and dicts of arrays or of further collections."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np

from fastopt.core.plain import Real, plain

__all__ = ["Tree", "Views", "arrays_like", "arrays_of", "outline_of", "paths_of"]

Tree: TypeAlias = Any

Path = tuple[object, ...]
DEPTH = 64


class Views(dict[str, Real]):
    """Views of arrays by name: what is assigned to a name is written into its array. Copies are plain dicts."""

    def __setitem__(self, name: str, value: Any) -> None:
        self[name][...] = value

    def update(self, *given: Any, **named: Any) -> None:
        """Write into the arrays of these names."""
        for name, value in dict(*given, **named).items():
            self[name] = value

    def __ior__(self, given: Any) -> Self:  # type: ignore[override,misc]
        self.update(given)
        return self

    def __reduce__(self) -> tuple[type, tuple[dict[str, Real]]]:
        return dict, (dict(self),)


def arrays_of(name: str, tree: Tree) -> list[Real]:
    """Return the arrays of a collection in its order, as views of the caller's memory.

    Raises:
        TypeError: Something is neither an array nor a collection.
        ValueError: It contains itself.
    """
    return [_array(name, path, leaf) for path, leaf in _leaves(tree, ())]


def outline_of(tree: Tree) -> Tree:
    """Return a collection that is built alike, with None for each array."""
    if isinstance(tree, Mapping):
        return {key: outline_of(branch) for key, branch in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map(outline_of, tree))
    return [*map(outline_of, tree)] if isinstance(tree, list) else None


def arrays_like(name: str, tree: Tree, other_name: str, outline: Tree) -> list[Real]:
    """Return the arrays of a collection in the order of another that is built like it, of which this is the outline.

    Raises:
        TypeError: Something is neither an array nor a collection.
        ValueError: The collections differ.
    """
    arrays = _plain_arrays(tree, outline)
    if arrays is not None:
        return arrays
    return [_array(name, path, leaf) for path, leaf in _leaves_like(name, tree, other_name, outline, ())]


def paths_of(tree: Tree) -> list[Path]:
    """Return the keys and indices that lead to each array of a collection."""
    return [path for path, _ in _leaves(tree, ())]


def _plain_arrays(tree: Tree, outline: Tree) -> list[Real] | None:
    """Return the arrays of lists, tuples and dicts built so, if all are of NumPy: as `_leaves_like`, but fast."""
    if outline is None:
        return [tree] if type(tree) is np.ndarray else None
    kind: Any = dict if type(tree) is Views else type(tree)
    if kind is not type(outline) or len(tree) != len(outline):
        return None
    branches, outlines = tree, outline
    if type(outline) is dict:
        if tree.keys() != outline.keys():
            return None
        branches, outlines = [tree[key] for key in outline], [*outline.values()]
    if outlines.count(None) == len(outlines) and set(map(type, branches)) <= {np.ndarray}:
        return [*branches]
    found: list[Real] = []
    for branch, below in zip(branches, outlines, strict=True):
        arrays = _plain_arrays(branch, below)
        if arrays is None:
            return None
        found += arrays
    return found


def _leaves(tree: Tree, path: Path) -> Iterator[tuple[Path, Tree]]:
    if len(path) > DEPTH:
        raise ValueError(f"A collection is nested more than {DEPTH} levels deep, or contains itself.")
    if isinstance(tree, Mapping | list | tuple):
        for key, branch in _items(tree):
            yield from _leaves(branch, (*path, key))
    else:
        yield path, tree


def _leaves_like(name: str, tree: Tree, other_name: str, other: Tree, path: Path) -> Iterator[tuple[Path, Tree]]:
    if not isinstance(other, Mapping | list | tuple):
        yield path, tree
        return
    same_kind = isinstance(tree, Mapping if isinstance(other, Mapping) else list | tuple)
    if not same_kind or {key for key, _ in _items(tree)} != {key for key, _ in _items(other)}:
        raise ValueError(
            f"{_label(name, path)} must be built like {_label(other_name, path)}: {_kind(other)}, not {_kind(tree)}."
        )
    for key, branch in _items(other):
        yield from _leaves_like(name, tree[key], other_name, branch, (*path, key))


def _items(tree: Mapping[Any, Tree] | Sequence[Tree]) -> Iterator[tuple[Any, Tree]]:
    yield from tree.items() if isinstance(tree, Mapping) else enumerate(tree)


def _kind(tree: Tree) -> str:
    if isinstance(tree, Mapping):
        return f"a dict of {', '.join(map(repr, tree))}" if tree else "an empty dict"
    if isinstance(tree, list | tuple):
        return f"a {type(tree).__name__} of {len(tree)}"
    return f"{type(tree).__name__}"


def _label(name: str, path: Path) -> str:
    return name + "".join(f"[{key!r}]" for key in path)


def _array(name: str, path: Path, leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        return leaf if type(leaf) is np.ndarray else plain(_label(name, path), leaf)
    problem = ""
    try:
        if hasattr(leaf, "__dlpack__"):
            # A tensor that records its history refuses to be exported; detached it has the same memory.
            leaf = leaf.detach() if getattr(leaf, "requires_grad", False) else leaf
            return _writable(np.from_dlpack(leaf), leaf)
        return np.asarray(memoryview(leaf))
    except TypeError:
        pass
    except (ValueError, RuntimeError, BufferError) as error:
        problem = f": {error}"
    raise TypeError(
        f"{_label(name, path)} must be an array, a tensor in the memory of the processor, or a collection of such, not "
        f"{type(leaf).__name__}{problem}."
    )


def _writable(array: Any, leaf: Any) -> Any:
    """Return the view of a tensor, writable if the tensor can be written.

    NumPy before 2.1 takes each one for read-only, and later ones those of DLPack before 1.0, which does not tell.
    """
    if not array.flags.writeable and hasattr(leaf, "__array__"):
        other = np.asarray(leaf)
        same = (other.ctypes.data, other.dtype, other.shape) == (array.ctypes.data, array.dtype, array.shape)
        if same and other.flags.writeable:
            return other
    return array
