"""A bar of progress, in a terminal or a notebook."""

import sys
from typing import Any


def in_notebook() -> bool:
    """Return whether the interpreter is a notebook's kernel."""
    kernel = sys.modules.get("ipykernel.kernelapp")  # which others than kernels import, too
    return kernel is not None and bool(kernel.IPKernelApp.initialized())


def interactive() -> bool:
    """Return whether somebody sees a bar."""
    return sys.stderr.isatty() or in_notebook()


def bar(**options: Any) -> Any:
    """Return a bar of tqdm, on standard error."""
    if in_notebook():
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm

    # Without the thread by which tqdm watches a bar: this one moves often enough, and the process may fork.
    unwatched = type("tqdm", (tqdm,), {"monitor_interval": 0})
    return unwatched(dynamic_ncols=True, file=sys.stderr, **options)
