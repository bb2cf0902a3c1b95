"""How tests start processes that speak MPI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpi4py")
HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
# Open MPI asks for leave to run as root, and to start more processes than there are processors; MPICH does not.
LEAVE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "FASTOPT_NUM_THREADS": "1",
}


def start(ranks, script, *arguments, **given):
    """Start a script of this folder by so many ranks."""
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    command = [MPIEXEC, "-n", str(ranks), sys.executable, str(HERE / script), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=os.environ | LEAVE, **pipes, **given)


def run(ranks, script, *arguments):
    """Run it, and return what it prints."""
    process = start(ranks, script, *arguments)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    return printed
