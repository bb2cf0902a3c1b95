"""What becomes of the others when one process fails, or ends without a word."""

import os
import signal
import time

import pytest
from launch import run, start


@pytest.mark.parametrize("near", [4, 1])
def test_what_one_rank_does_wrong_ends_all(near):
    printed = run(4, "failures.py", near)
    assert printed.count("is done") == 4


def result(printed):
    return printed.split("result ")[1].split()[0]


def test_a_killed_rank_ends_all_and_others_go_on(tmp_path, monkeypatch):
    whole = result(run(1, "killed.py", tmp_path / "whole"))
    with monkeypatch.context() as context:
        context.setenv("PAUSE", "0.1")
        process = start(2, "killed.py", tmp_path / "killed")
        lines = [process.stdout.readline()]
        while not lines[-1].startswith("pid "):
            lines.append(process.stdout.readline())
        time.sleep(0.3)
        os.kill(int(lines[-1].split()[1]), signal.SIGKILL)
        killed = time.perf_counter()
        printed, _ = process.communicate(timeout=60)
        assert time.perf_counter() - killed < 5
    assert process.returncode != 0
    assert "has ended without a word" in printed or "signal 9" in printed.lower(), printed
    assert result(run(4, "killed.py", tmp_path / "killed")) == whole
