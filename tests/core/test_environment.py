"""Environment variables that mean nothing are not passed over."""

import os
import subprocess
import sys

import pytest

import fastopt as fo

OTHERS = {name: value for name, value in os.environ.items() if not name.startswith(("FASTOPT_", "OMP_"))}


def imported(**variables):
    command = [sys.executable, "-W", "always", "-c", "import fastopt; print(fastopt.get_num_threads())"]
    return subprocess.run(command, env=OTHERS | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("value", ["banana", "0", "-1", "4x", "2.5", "4,2", "99999999999999999999"])
def test_fastopts_number_of_threads(value):
    done = imported(FASTOPT_NUM_THREADS=value)
    assert done.returncode == 1
    assert f"ValueError: The environment variable FASTOPT_NUM_THREADS is {value!r}" in done.stderr


def test_openmps_number_of_threads():
    done = imported(OMP_NUM_THREADS="banana")
    assert done.returncode == 0
    assert "The environment variable OMP_NUM_THREADS is 'banana'" in done.stderr
    assert imported(OMP_NUM_THREADS="1,2").stdout == "1\n"


def test_instruction_set():
    done = imported(FASTOPT_ISA="x86-64-v9")
    assert done.returncode == 1
    assert "ImportError: the environment variable FASTOPT_ISA: unknown or unavailable instruction set" in done.stderr
    assert imported(FASTOPT_ISA=fo._core.runtime.isas()[-1]).returncode == 0


def test_what_is_empty_is_not_set():
    done = imported(FASTOPT_ISA="", FASTOPT_NUM_THREADS="")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_good_one():
    assert imported(FASTOPT_NUM_THREADS=" 1 ").stdout == "1\n"
