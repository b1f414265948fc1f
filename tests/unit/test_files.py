"""Local files are written all or none, and leave nothing else behind."""

import os
import socket
import stat

import pytest

from kedro_airflow_k8s import files


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_all_are_written_with_their_folders(tmp_path):
    files.write({tmp_path / "a/b/one": b"1", tmp_path / "two": b"2"})

    assert names(tmp_path) == ["a", "a/b", "a/b/one", "two"]
    assert (tmp_path / "a/b/one").read_bytes() == b"1"


def test_if_one_cannot_be_written_all_is_as_before(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "last").mkdir()

    with pytest.raises(files.NotWritten) as caught:
        files.write({tmp_path / "old": b"new", tmp_path / "made/new": b"", tmp_path / "last": b""})

    assert caught.value.file == tmp_path / "last"
    assert names(tmp_path) == ["last", "old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_rename_that_fails_takes_back_those_before_it(tmp_path, monkeypatch):
    (tmp_path / "old").write_bytes(b"old")
    replace = os.replace

    def failing(source, target):
        if str(target).endswith("last"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", failing)

    with pytest.raises(files.NotWritten):
        files.write({tmp_path / "old": b"new", tmp_path / "new": b"", tmp_path / "last": b""})

    assert names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_link_and_the_rights_stay(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")

    files.write({tmp_path / "link": b"new"})

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    """To write to a pipe would wait for somebody who reads."""
    if kind == "pipe":
        os.mkfifo(tmp_path / "x")
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(tmp_path / "x"))
        server.close()

    with pytest.raises(files.NotWritten, match="this is a pipe or a device, not a file"):
        files.write({tmp_path / "x": b""})

    assert names(tmp_path) == ["x"]


def test_what_a_killed_process_left_is_swept(tmp_path, monkeypatch):
    """Only files of our name that are old; a process that is writing now keeps its own, and its backup."""
    before = [".dag.py.0123abcd.tmp", ".dag.py.tmp", ".other.py.0123abcd.tmp"]
    for name in before:
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 0))

    files.write({tmp_path / "dag.py": b"1"})
    assert names(tmp_path) == [*before, "dag.py"]

    now = files.time.time()
    monkeypatch.setattr(files.time, "time", lambda: now + 7200)
    files.write({tmp_path / "dag.py": b"2"})
    assert names(tmp_path) == [*before[1:], "dag.py"]
