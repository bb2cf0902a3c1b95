"""The command ``fastopt``: what it prints, and how it ends."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from cases.mnist import write_mnist

import fastopt
from fastopt import cli
from fastopt.cli.demo import picture

COMMAND = [sys.executable, "-m", "fastopt"]


def run(*arguments, **environment):
    result = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=300, env={**os.environ, **environment}, check=False
    )
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def rows(text):
    """The rows of the table: label -> cells."""
    found = re.findall(r"^(\w[\w ]*?) {2,}([\d.,%]+)(?: +([\d.,%]+))?$", text, re.MULTILINE)
    return {label: [cell for cell in cells if cell] for label, *cells in found}


def number(cell):
    return float(cell.replace(",", "").rstrip("%"))


def test_demo(capsys):
    assert cli.main(["demo"]) == 0
    out = capsys.readouterr().out
    table = rows(out)
    assert number(table["test accuracy"][0]) >= 97
    assert number(table["loss in the last epoch"][0]) < number(table["loss in the first epoch"][0])
    assert number(table["samples a second"][0]) > 0
    assert "64-128-64-10, ReLU, 17,226 parameters" in out
    assert re.search(r"\d+ of 360 test digits are read rightly", out)
    assert re.search(r"\d+ (is|are) misread", out)
    assert "█" in out
    assert max(map(len, out.splitlines())) <= 80


def test_demo_compares_equals(capsys):
    assert cli.main(["demo", "--epochs", "3", "--compare"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^ +fastopt +NumPy$", out, re.MULTILINE)
    assert re.search(r"fastopt was [\d.]+ times as fast", out)
    table = rows(out)
    for label in ("loss in the first epoch", "loss in the last epoch"):
        ours, numpy = map(number, table[label])
        assert ours == pytest.approx(numpy, abs=2e-4), label
    ours, numpy = map(number, table["test accuracy"])
    assert ours == pytest.approx(numpy, abs=0.6)  # two of 360
    assert max(map(len, out.splitlines())) <= 80


def test_demo_with_a_folder_of_test_files_only(tmp_path, capsys):
    write_mnist(tmp_path, "t10k", 50)
    assert cli.main(["demo", "--data", "mnist", "--path", str(tmp_path), "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "40 digits of 28x28 pixels to train on, 10 to test with" in out
    assert max(map(len, out.splitlines())) <= 80


def test_demo_with_both_parts(tmp_path, capsys):
    write_mnist(tmp_path, "train", 50)
    write_mnist(tmp_path, "t10k", 20)
    assert cli.main(["demo", "--data", "mnist", "--path", str(tmp_path), "--epochs", "1"]) == 0
    assert "50 digits of 28x28 pixels to train on, 20 to test with" in capsys.readouterr().out


def test_demo_without_data(tmp_path, capsys):
    assert cli.main(["demo", "--data", "mnist", "--path", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("fastopt: error: ")
    assert "no train-images-idx3-ubyte.gz" in error


def test_demo_with_damaged_data(tmp_path, capsys):
    write_mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"<html>")
    assert cli.main(["demo", "--data", "mnist", "--path", str(tmp_path)]) == 1
    assert "not an IDX file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: command"),
        (["fly"], "invalid choice: 'fly'"),
        (["demo", "--epochs", "0"], "expected at least 1, got 0"),
        (["demo", "--epochs", "many"], "invalid"),
        (["demo", "--data", "cifar"], "invalid choice: 'cifar'"),
        (["demo", "--path", "."], "--path goes with --data mnist"),
    ],
    ids=" ".join,
)
def test_wrong_arguments(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_info(capsys):
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    assert fastopt.__version__ in out
    for isa in fastopt._core.runtime.isas():
        assert isa in out
    assert re.search(rf"threads +{fastopt.get_num_threads()}\b", out)
    assert "OpenMP" in out


def test_bench():
    code, out, error = run("bench", "--quick", "--turn", "0.02", "--only", "forward 32x32x32", "--threads", "1")
    assert code == 0, error
    assert re.search(r"^ *forward 32x32x32 +[\d.]+ +[\d.]+( \[[\d., ]+\])?( ~)? +numpy ", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


def test_bench_has_arguments_of_its_own(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: fastopt bench ")
    assert "fastopt bench compare" in out


def test_bench_where_it_is_absent(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fastopt.bench", None)
    assert cli.main(["bench", "--quick"]) == 1
    assert capsys.readouterr().err.endswith("not part of this installation; in the source tree run: python -m bench\n")


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"fastopt {fastopt.__version__}\n"


def test_installed_command():
    [entry] = importlib.metadata.entry_points(group="console_scripts", name="fastopt")
    assert entry.load() is cli.main


def test_as_a_module():
    code, out, error = run("info")
    assert (code, error) == (0, "")
    assert out.startswith("fastopt ")


def test_in_a_pipe_without_unicode():
    code, out, error = run("demo", "--epochs", "1", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert code == 0, error
    assert "##" in out


def test_interrupted():
    process = subprocess.Popen(
        [*COMMAND, "demo", "--epochs", "10000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.endswith("fastopt: interrupted\n")
    assert "Traceback" not in error


def test_reader_goes_away():
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run([*COMMAND, "info"], stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(write)
    assert result.returncode == 1
    assert result.stderr == b""


def test_pictures_keep_to_their_shades():
    image = np.linspace(0, 1, 784, dtype=np.float32)
    lines = picture(image)
    assert len(lines) == 12
    assert {len(line) for line in lines} == {24}
    assert lines[0].startswith("  ")
    assert lines[-1].endswith("██")
