"""What `save` does to the file that is there already: pipes, links, permissions, folders, other savers."""

import errno
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt.core.files import opened, replaced


@pytest.fixture
def model():
    made = fo.Sequential([fo.layers.Dense(1)], seed=0)
    made.build(2)
    return made


@pytest.fixture
def folder():
    """A folder that another user may be given, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def names(folder):
    return sorted(os.listdir(folder))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def bind(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def device(path):
    """A device node of its own that leads nowhere."""
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes device nodes")


NO_FILES = {
    "pipe": (os.mkfifo, OSError, "Not a regular file but a pipe"),
    "socket": (bind, OSError, "Not a regular file but a socket"),
    "device": (device, OSError, "Not a regular file but a device"),
    "folder": (os.mkdir, IsADirectoryError, "A folder, not a file"),
}


@pytest.mark.parametrize("linked", [False, True], ids=["itself", "by a link"])
@pytest.mark.parametrize(("make", "error", "message"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_stays(make, error, message, linked, model, folder):
    path = folder / "target"
    make(path)
    before = path.lstat()
    given = folder / "link" if linked else path
    if linked:
        given.symlink_to(path)
    with pytest.raises(error, match=f"{message}: '{given}'$"):
        model.save(given)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert names(folder) == sorted({"target", given.name})


@pytest.mark.parametrize("read", [fo.load_model, fo.datasets.load_idx, opened])
def test_nothing_waits_for_a_pipe(read, folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(OSError, match=f"Not a regular file but a pipe: '{folder}/pipe'"):
        read(folder / "pipe")
    with pytest.raises(IsADirectoryError, match=f"'{folder}'"):
        read(folder)


def test_links(model, folder):
    (folder / "far").mkdir()
    for name, there in (("absolute", folder / "far" / "one"), ("relative", Path("far/two")), ("twice", "relative")):
        (folder / name).symlink_to(there)
    for name in ("absolute", "relative", "twice"):
        model.save(folder / name)
        assert (folder / name).is_symlink()
    assert names(folder / "far") == ["one", "two"]
    (folder / "hard").hardlink_to(folder / "far" / "one")
    old = (folder / "hard").read_bytes()
    model.parameters["dense/bias"][:] = 7.0
    model.save(folder / "absolute")
    assert (folder / "hard").read_bytes() == old
    assert fo.load_model(folder / "far" / "one").parameters["dense/bias"] == 7.0
    (folder / "circle").symlink_to("circle")
    with pytest.raises(OSError, match=f"'{folder}/circle'"):
        model.save(folder / "circle")


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o755])
def test_permissions_stay(permissions, model, folder):
    path = folder / "model"
    path.touch()
    path.chmod(permissions)
    model.save(path)
    assert mode(path) == permissions
    assert fo.load_model(path).built


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_any_other(mask, model, folder):
    before = os.umask(mask)
    try:
        model.save(folder / "model")
    finally:
        os.umask(before)
    assert mode(folder / "model") == 0o666 & ~mask


def test_attributes_stay(model, folder):
    path = folder / "model"
    path.touch()
    try:
        os.setxattr(path, "user.note", b"mine")
    except (AttributeError, OSError):  # Python on musl has no such function
        pytest.skip("no attributes on this file system")
    os.utime(path, (1, 1))
    model.save(path)
    assert os.getxattr(path, "user.note") == b"mine"
    assert path.stat().st_mtime > 1


@pytest.fixture
def someone(folder):
    """Root becomes nobody, who owns the folder, and is root again afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    os.chown(folder, 65534, 65534)

    def become():
        os.setegid(65534)
        os.setgroups([])
        os.seteuid(65534)

    yield become
    os.seteuid(0)
    os.setegid(0)


def test_owners_stay(model, folder):
    path = folder / "model"
    path.touch()
    try:
        os.chown(path, 65534, 65533)
    except PermissionError:
        pytest.skip("only root gives files away")
    path.chmod(0o640)
    model.save(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (65534, 65533, 0o640)


def test_a_group_that_cannot_stay_gives_nobody_more(model, folder, someone):
    path = folder / "model"
    path.touch()
    os.chown(path, 65534, 0)
    path.chmod(0o664)
    os.chown(path, 65534, 12345)
    someone()
    model.save(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (65534, 65534, 0o644)


def test_what_may_not_be_written(model, folder, someone):
    path = folder / "model"
    model.save(path)
    os.chown(path, 65534, 65534)
    old = path.read_bytes()
    someone()
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=f"'{path}'$"):
        model.save(path)
    path.chmod(0o644)
    folder.chmod(0o555)
    with pytest.raises(PermissionError, match=f"'{path}'$"):
        model.save(path)
    assert path.read_bytes() == old
    folder.chmod(0o300)  # it may be written but not listed
    model.save(path)
    folder.chmod(0o700)
    assert names(folder) == ["model"]


MISSING = {
    "folder": ("none/model", FileNotFoundError, "no such folder"),
    "link into no folder": ("dangling", FileNotFoundError, "no such folder"),
    "empty": ("", IsADirectoryError, "The name of a folder"),
    "slash": ("new/", IsADirectoryError, "The name of a folder"),
    "below a file": ("file/model", NotADirectoryError, "Not a directory"),
    "too long": ("n" * 256, OSError, os.strerror(errno.ENAMETOOLONG)),
}


@pytest.mark.parametrize(("name", "error", "message"), MISSING.values(), ids=MISSING)
def test_messages_name_what_was_given(name, error, message, model, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "file").touch()
    (folder / "dangling").symlink_to("nowhere/model")
    with pytest.raises(error, match=f"{message}.*: '{name}'$"):
        model.save(name)
    assert names(folder) == ["dangling", "file"]


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, ".hidden", "with space", b"bytes", Path("path")])
def test_any_name_that_a_file_may_have(name, model, folder, monkeypatch):
    monkeypatch.chdir(folder)
    model.save(name)
    model.save(name)
    assert fo.load_model(name).built
    assert names(folder) == [os.fsdecode(name)]


@pytest.mark.parametrize("ending", ["h5", "keras", "pt", "PTH", "onnx", "npz", "pkl"])
def test_endings_of_other_formats(ending, model, folder):
    path = folder / f"model.{ending}"
    with pytest.warns(UserWarning, match=f"model.{ending} is written as a safetensors file") as caught:
        model.save(path)
    assert caught[0].filename == __file__
    assert fo.load_model(path).built


@pytest.mark.parametrize("name", ["model", "model.safetensors", "model.v1", "model.fastopt"])
def test_other_endings(name, model, folder, recwarn):
    model.save(folder / name)
    assert not recwarn.list


KILLED = """
import os, signal, sys
from fastopt.core.files import replaced
with replaced(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_savers_leave_is_removed_by_the_next(model, folder):
    model.save(folder / "model")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, folder / "model"], check=False)
        assert done.returncode == -signal.SIGKILL
    assert len(names(folder)) == 2  # not three: the second has removed what the first left
    assert fo.load_model(folder / "model").built
    model.save(folder / "other")
    assert names(folder) == ["model", "other"]


def test_what_others_are_writing_is_not_removed(folder):
    with replaced(folder / "one") as one:
        with replaced(folder / "one") as two, replaced(folder / "two") as three:
            for file in (one, two, three):
                file.write(file.name.to_bytes())
        assert (folder / "one").read_bytes() == two.name.to_bytes()
    assert (folder / "one").read_bytes() == one.name.to_bytes()
    assert names(folder) == ["one", "two"]


def test_a_saver_whose_file_is_taken_for_left_behind_makes_another(folder, monkeypatch):
    """Between making and locking it; the other one removes it first."""
    lock, removed = fcntl.flock, []

    def late(handle, how):
        if not removed:
            removed.extend(names(folder))
            os.remove(folder / removed[0])
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with replaced(folder / "file") as file:
        file.write(b"whole")
    assert (folder / "file").read_bytes() == b"whole"
    assert names(folder) == ["file"]


SAVER = """
import sys
import fastopt as fo
model = fo.Sequential([fo.layers.Dense(64)], seed=int(sys.argv[2]))
model.build(64)
for _ in range(40):
    model.save(sys.argv[1])
"""


def test_savers_of_one_file_at_once(folder):
    path = folder / "model"
    savers = [subprocess.Popen([sys.executable, "-c", SAVER, path, str(seed)]) for seed in range(3)]
    kernels = []
    for seed in range(3):
        model = fo.Sequential([fo.layers.Dense(64)], seed=seed)
        model.build(64)
        kernels.append(model.parameters["dense/kernel"])
    while any(saver.poll() is None for saver in savers):
        if path.exists():
            loaded = fo.load_model(path)
            np.testing.assert_array_equal(loaded.parameters["dense/kernel"], kernels[loaded.seed])
    assert [saver.returncode for saver in savers] == [0, 0, 0]
    assert names(folder) == ["model"]
