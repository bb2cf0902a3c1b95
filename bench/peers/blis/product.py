import ctypes
from functools import partial
from typing import Any

from numpy.typing import NDArray

from ...kind import Job, repeated
from ...product import Operands, Product
from . import library

ROW_MAJOR, AS_IT_IS, TRANSPOSED = 101, 111, 112


def prepare(row: Product, data: Operands) -> Job:
    left, right, out = data.left, data.right, data.out
    real, gemm = {
        "float32": (ctypes.c_float, library.cblas_sgemm),
        "float64": (ctypes.c_double, library.cblas_dgemm),
    }[str(out.dtype)]
    first, second = row.which == "backward_kernel", row.which == "backward_input"

    def operand(array: NDArray[Any]) -> tuple[ctypes.c_void_p, int]:
        return ctypes.c_void_p(array.ctypes.data), array.shape[1]

    call = partial(
        gemm,
        ROW_MAJOR,
        *(TRANSPOSED if transposed else AS_IT_IS for transposed in (first, second)),
        *out.shape,
        left.shape[0 if first else 1],
        real(1),
        *operand(left),
        *operand(right),
        real(0),
        *operand(out),
    )
    return Job(repeated(call), lambda: out)
