"""The instruction set of a run, the same for every library: variables that each reads when it is loaded."""

import numpy as np

NATIVE, LEVELS = "native", ("v2", "v3", "v4")
# What holds a library to each level.
VARIABLES = {
    "FASTOPT_ISA": ("x86-64-v2", "x86-64-v3", "x86-64-v4"),
    "OPENBLAS_CORETYPE": ("Nehalem", "Haswell", "SkylakeX"),
    "BLIS_ARCH_TYPE": ("penryn", "haswell", "skx"),
    "MKL_ENABLE_INSTRUCTIONS": ("SSE4_2", "AVX2", "AVX512"),
    "ONEDNN_MAX_CPU_ISA": ("SSE41", "AVX2", "AVX512_CORE"),
    "ATEN_CPU_CAPABILITY": ("default", "avx2", "avx512"),
    "TORCHINDUCTOR_CPP_MARCH": ("x86-64-v2", "x86-64-v3", "x86-64-v4"),
    "XLA_FLAGS": ("--xla_cpu_max_isa=SSE4_2", "--xla_cpu_max_isa=AVX2", "--xla_cpu_max_isa=AVX512"),
}
# NumPy is told what to leave out: the features above a level, by the beginnings of their names.
NUMPY = "NPY_DISABLE_CPU_FEATURES"
ABOVE = {"v2": ("AVX", "FMA", "F16C", "X86_V3", "X86_V4"), "v3": ("AVX512", "X86_V4"), "v4": ()}
# What has no such variable, and is as fast as without.
NOT_HELD = "the matrix products of JAX (YNNPACK) and, on processors of AMD, of PyTorch (MKL)"

# A run passes none of these on: each would keep a library from instructions or kernels that it would choose by itself.
RESTRAINTS = {*VARIABLES, NUMPY, "NPY_ENABLE_CPU_FEATURES", "OPENBLAS_L2_SIZE"}


def check(isa: str) -> None:
    """Raise ValueError if fastopt does not have this level here."""
    from fastopt import _core

    there = _core.runtime.isas()
    if isa != NATIVE and (level := restriction(isa)["FASTOPT_ISA"]) not in there:
        raise ValueError(f"{level} is not there: this processor, and this build of fastopt, have {', '.join(there)}")


def restriction(isa: str) -> dict[str, str]:
    """The variables that hold every library to this level; none for the native one."""
    if isa == NATIVE:
        return {}
    found = {name: values[LEVELS.index(isa)] for name, values in VARIABLES.items()}
    features = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    above = [feature for feature in features if feature.startswith(ABOVE[isa])]
    return {**found, NUMPY: " ".join(above)} if above else found
