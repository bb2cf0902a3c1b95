"""BLIS, the library of the system (``apt-get install libblis4-openmp``), called through CBLAS.

The ``blis`` of PyPI is not it: 0.7 without threads, which knows no processor after Zen 2 and runs plain C on those.
"""

import ctypes
import os

TYPE = "BLIS_ARCH_TYPE"
library = ctypes.CDLL("libblis.so.4")
library.bli_arch_string.restype = library.bli_info_get_version_str.restype = ctypes.c_char_p


def setup(threads: int) -> str:
    """BLIS reads its number of threads from the environment, and its kernels: before 1.0 by number, not by name."""
    version = library.bli_info_get_version_str().decode()
    if TYPE in os.environ and version.startswith("0."):
        os.environ[TYPE] = str(next(i for i in range(100) if name_of(i) == os.environ[TYPE]))
    library.bli_init()
    return version


def name_of(kernels: int) -> str:
    return library.bli_arch_string(kernels).decode()


def isa() -> str:
    return name_of(library.bli_arch_query_id())
