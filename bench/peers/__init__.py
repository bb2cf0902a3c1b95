"""The libraries compared, one module each, all with the same interface.

``setup(threads) -> str``
    Imports are done; set the number of threads and return the version.
``training(row, data) -> Job``, ``product(row, data) -> Job``, ``update(row, data) -> Job``
    Prepare a row of that group; a module has only the functions named for it here.
"""

PEERS: dict[str, tuple[str, ...]] = {
    "fastopt": ("training", "product", "update"),
    "jax": ("training",),
    "jax_host_shuffle": ("training",),
    "optax": ("update",),
    "torch": ("training", "update"),
    "sklearn": ("training",),
    "numpy": ("training", "product", "update"),
}

ROOF = "roof"
