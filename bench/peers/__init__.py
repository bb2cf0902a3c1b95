"""The libraries compared, a package each: ``setup(threads)`` sets the number of threads and returns the version.

``isa()`` says which instructions it really uses, where that can be known.

Its module of the name of a group has ``prepare(row, data) -> Job`` for the rows of that group: one for each kind
of work that the peer can do. It returns None for a row that the library has no means for.
"""

from pathlib import Path

PEERS = (
    "fastopt",
    "jax",
    "jax_host_shuffle",
    "optax",
    "keras",
    "torch",
    "torch_compiled",
    "sklearn",
    "scipy",
    "numpy",
    "blis",
)
ROOF = "roof"
BEFORE = "before"  # another build of fastopt


def package_of(peer: str) -> str:
    """The name of its package here."""
    return "fastopt" if peer == BEFORE else peer


def can_do(peer: str, group: str) -> bool:
    """Whether the peer has a module for rows of this group."""
    return (Path(__file__).parent / package_of(peer) / f"{group}.py").exists()
