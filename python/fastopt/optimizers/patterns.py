"""Names of parameters, and of whole parts of these, by which optimizers single some out."""

from collections.abc import Iterable

from fastopt.optimizers.describe import Names


def patterns_of(name: str) -> list[str]:
    """Return what a name such as ``"dense/kernel"`` is called by: itself, and whole parts it begins or ends with."""
    parts = name.split("/")
    ends = range(1, len(parts))
    return [name, *("/".join(parts[:i]) for i in ends), *("/".join(parts[i:]) for i in ends)]


def checked_patterns(patterns: Iterable[object]) -> None:
    """Raise TypeError where one is no string."""
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"{pattern!r} must be a name, such as 'dense', 'dense/kernel' or 'bias'.")


def check_used(argument: str, patterns: Iterable[str], names: Names) -> None:
    """Raise ValueError where no parameter has one of the names."""
    known = {pattern for name in names for pattern in patterns_of(name)}
    for pattern in patterns:
        if pattern not in known:
            import difflib

            close = difflib.get_close_matches(pattern, sorted(known), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"No parameter is called {pattern!r}, as {argument} says.{hint} There are {', '.join(names)}."
            )
