"""Writing the DAG to where Airflow reads it: all or nothing, the DAG last, and one clear line for what goes wrong."""

import errno
import importlib
import logging
import os
import resource
import stat
import sys
from pathlib import Path

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from kedro_airflow_k8s import delivery
from kedro_airflow_k8s.delivery import Written, write
from kedro_airflow_k8s.errors import DeliveryError
from kedro_airflow_k8s.model import File

SCRIPT = File("spark/main.py", "print('ż')\n")
DAG = File("demo.py", "# the DAG\n")


@pytest.fixture
def memory():
    """fsspec's file system in memory, empty."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.fixture
def umask():
    """The usual umask."""
    former = os.umask(0o022)
    yield
    os.umask(former)


def tree(folder):
    """Return all files below a folder, hidden ones included, with their content."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_made_and_filled(tmp_path, umask):
    """With its parents; anybody may read the files, and nothing else is left behind."""
    folder = tmp_path / "new" / "dags"
    written = write([SCRIPT, DAG], str(folder))

    assert Written((str(folder / "spark/main.py"), str(folder / "demo.py")), unchanged=False) == written
    assert {"spark/main.py": SCRIPT.content, "demo.py": DAG.content} == tree(folder)
    assert 0o644 == stat.S_IMODE((folder / "demo.py").stat().st_mode)


@pytest.mark.parametrize("form", ["path", "file://{}", "local://{}", "{}/"])
def test_a_folder_can_be_written_in_several_ways(tmp_path, form):
    """As a path or as a URL."""
    write([DAG], tmp_path if form == "path" else form.format(tmp_path))

    assert {"demo.py": DAG.content} == tree(tmp_path)


def test_the_home_folder(tmp_path, monkeypatch):
    """A tilde is what it is in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write([DAG], "~/dags")

    assert {"dags/demo.py": DAG.content} == tree(tmp_path)


def test_the_home_folder_of_nobody():
    """There is no such user."""
    with pytest.raises(DeliveryError, match="~nobody-of-this-name/dags: there is no home folder of this user"):
        write([DAG], "~nobody-of-this-name/dags")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("gs:/bucket/dags", r"gs:/\.\.\.: a URL has two slashes, gs://; a folder of this name is \./gs:/\.\.\."),
        ("s3:/key:secret@bucket/dags", r"s3:/\.\.\.: a URL has two slashes, s3://"),
        ("simplecache::file:///tmp/dags", "simplecache::file:///tmp/dags: a chain of URLs cannot be written to"),
    ],
)
def test_what_looks_like_a_url_is_no_folder(tmp_path, monkeypatch, place, said):
    """It would be made below the current one, where no Airflow finds it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeliveryError, match=said) as error:
        write([DAG], place)

    assert "secret" not in str(error.value)
    assert {} == tree(tmp_path)


def test_a_folder_of_an_odd_name_is_one(tmp_path, monkeypatch):
    """As in a shell, a dot before it helps."""
    monkeypatch.chdir(tmp_path)
    write([DAG], "./gs:/dags")

    assert {"gs:/dags/demo.py": DAG.content} == tree(tmp_path)


def test_a_relative_folder_is_named_as_it_was_given(tmp_path, monkeypatch):
    """The address that is printed is the user's own."""
    monkeypatch.chdir(tmp_path)

    assert ("dags/demo.py",) == write([DAG], "dags/").urls


@pytest.mark.parametrize("place", ["folder", "memory://bucket/dags"])
def test_the_same_content_is_not_written_again(tmp_path, memory, place, monkeypatch):
    """It is said to be unchanged; one other byte is a change."""
    place = str(tmp_path) if place == "folder" else place
    write([SCRIPT, DAG], place)
    other = File("demo.py", DAG.content + "#")

    with monkeypatch.context() as patch:
        patch.setattr(delivery.files.os, "replace", None)
        patch.setattr(delivery, "_put", None)
        assert write([SCRIPT, DAG], place).unchanged
    assert not write([SCRIPT, other], place).unchanged
    assert write([SCRIPT, other], place).unchanged


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """The new file takes the place of the old one in one step, from a name that Airflow does not read."""
    write([DAG], tmp_path)
    seen = []
    replace = os.replace

    def look(source, target):
        seen.append((os.path.basename(source), Path(source).read_text(), Path(target).read_text()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    write([File("demo.py", "# new\n")], tmp_path)

    ((name, new, old),) = seen
    assert name.startswith(".demo.py.")
    assert not name.endswith((".py", ".zip"))
    assert ("# new\n", "# the DAG\n") == (new, old)


@pytest.fixture
def no_space():
    """Let no file grow beyond 1000 bytes, which is how a full disk looks to one who writes."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_full_disk_leaves_everything_as_it_was(tmp_path, no_space):
    """Not even the files that would still have had space are replaced, and no scrap remains."""
    write([SCRIPT, DAG], tmp_path)
    before = tree(tmp_path)
    with pytest.raises(DeliveryError, match=rf"{tmp_path}/demo\.py: File too large"):
        write([File("spark/main.py", "# new\n"), File("demo.py", "#" * 5000)], tmp_path)

    assert before == tree(tmp_path)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no space left on the device"),
        (errno.EACCES, "no permission to write there"),
        (errno.EROFS, "the file system is read-only"),
    ],
)
def test_what_the_system_refuses_is_said_in_words(tmp_path, monkeypatch, number, reason):
    """And the temporary file is taken away."""

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DeliveryError) as error:
        write([DAG], tmp_path)

    assert f"{tmp_path / 'demo.py'}: {reason}" == str(error.value)
    assert {} == tree(tmp_path)


def test_a_read_only_disk(tmp_path, monkeypatch):
    """There the temporary file can neither be made nor removed."""

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(DeliveryError, match=r"demo\.py: the file system is read-only"):
        write([DAG], tmp_path)


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    """Ctrl-C while the disk is slow."""

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write([DAG], tmp_path)

    assert {} == tree(tmp_path)


@pytest.mark.parametrize("below", ["", "/sub"])
def test_a_file_where_the_folder_should_be(tmp_path, below):
    """Named, with the path."""
    (tmp_path / "dags").write_text("")
    with pytest.raises(DeliveryError, match=r"dags.*/demo\.py: a part of this path is a file, not a folder"):
        write([DAG], f"{tmp_path}/dags{below}")


def test_a_folder_where_the_file_should_be(tmp_path):
    """The other way round."""
    (tmp_path / "demo.py").mkdir()
    with pytest.raises(DeliveryError, match=r"demo\.py: this is a folder, not a file"):
        write([DAG], tmp_path)


@pytest.mark.parametrize("place", ["folder", "memory://bucket/dags"])
@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "", "."])
def test_nothing_is_written_elsewhere(tmp_path, memory, place, name):
    """Whatever a file's name is; nor are the files before it."""
    place = str(tmp_path / "dags") if place == "folder" else place
    with pytest.raises(DeliveryError, match="would not lie in"):
        write([DAG, File(name, "")], place)

    assert {} == tree(tmp_path)
    assert {} == memory.store


def test_an_object_store_gets_one_put_for_each_file(memory, monkeypatch):
    """In the order given, so that the DAG comes when what it needs is there."""
    puts = []
    put = MemoryFileSystem.pipe_file

    def record(system, path, value, **options):
        puts.append((path, value.decode()))
        put(system, path, value, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", record)
    written = write([SCRIPT, DAG], "memory://bucket/dags/")

    assert Written(("memory://bucket/dags/spark/main.py", "memory://bucket/dags/demo.py"), False) == written
    assert [("/bucket/dags/spark/main.py", SCRIPT.content), ("/bucket/dags/demo.py", DAG.content)] == puts


def test_a_store_that_may_only_be_written_to(memory, monkeypatch):
    """Reading is refused, writing is not: the file is written each time."""

    def refuse(system, path, **options):
        raise PermissionError("Access Denied")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "cat_file", refuse)
        written = write([DAG], "memory://bucket")

    assert not written.unchanged
    assert b"# the DAG\n" == memory.cat_file("/bucket/demo.py")


class RemoteFolder(AbstractFileSystem):
    """A file system that is no object store: it has a rename, as SFTP has."""

    protocol = "remotefolder"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        self.files, self.moved = STORE

    def cat_file(self, path, **options):
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def pipe_file(self, path, value, **options):
        self.files[path] = value

    def rm_file(self, path):
        del self.files[path]

    def makedirs(self, path, exist_ok=False):
        pass

    def mv(self, path1, path2, **options):
        self.moved.append((path1, path2))
        self.files[path2] = self.files.pop(path1)


STORE = ({}, [])
REGISTRY = importlib.import_module("fsspec.registry")._registry


@pytest.fixture
def remote(monkeypatch):
    """RemoteFolder, known to fsspec and empty: its files, and what was renamed."""
    monkeypatch.setitem(REGISTRY, "remotefolder", RemoteFolder)
    for part in STORE:
        part.clear()
    return STORE


def test_a_remote_file_system_gets_a_rename(remote):
    """Readers there see bytes as they arrive."""
    write([DAG], "remotefolder://host/dags")

    files, ((temporary, target),) = remote
    assert "host/dags/demo.py" == target
    assert temporary.startswith("host/dags/.demo.py.")
    assert not temporary.endswith(".py")
    assert {"host/dags/demo.py": b"# the DAG\n"} == files


def test_a_rename_that_fails_leaves_nothing(remote, monkeypatch):
    """The reason is that of the rename."""

    def refuse(system, path1, path2, **options):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(RemoteFolder, "mv", refuse)
    with pytest.raises(DeliveryError, match=r"remotefolder://host/dags/demo\.py: no space left on the device"):
        write([DAG], "remotefolder://host/dags")

    assert {} == remote[0]


class Refusing(AbstractFileSystem):
    """A store that raises what it is told to."""

    protocol = "s3"
    cachable = False
    error: Exception

    def cat_file(self, path, **options):
        raise FileNotFoundError(path)

    def pipe_file(self, path, value, **options):
        logging.getLogger("s3fs").error("a traceback of many lines")
        raise self.error


class NoCredentialsError(Exception):
    """Named as botocore's."""


class HttpError(Exception):
    """Made as gcsfs's."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError("The specified bucket does not exist"), "there is no bucket 'dags'"),
        (OSError("The specified bucket does not exist."), "there is no bucket 'dags'"),
        (PermissionError("Access Denied"), "no permission to write there (Access Denied)"),
        (HttpError("nobody", 403), "no permission to write there (nobody)"),
        (NoCredentialsError("Unable to locate credentials"), "no usable credentials for s3:// found; "),
        (RuntimeError("odd\nthing s3://me:planted@x"), "could not be written (RuntimeError: odd thing s3://...@x)"),
    ],
)
def test_what_a_store_refuses_is_one_clear_line(monkeypatch, caplog, error, said):
    """Whatever exception it has for it; and its library does not add lines of its own."""
    monkeypatch.setitem(REGISTRY, "s3", Refusing)
    monkeypatch.setattr(Refusing, "error", error, raising=False)
    with pytest.raises(DeliveryError) as raised:
        write([DAG], "s3://dags/team")

    assert str(raised.value).startswith(f"s3://dags/team/demo.py: {said}")
    assert "\n" not in str(raised.value)
    assert [] == caplog.records


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("s3://dags", "s3fs", "aws"), ("gs://dags", "gcsfs", "gcp"), ("gcs://dags", "gcsfs", "gcp")],
)
def test_a_missing_extra_is_named(url, package, extra, monkeypatch):
    """With the command that installs it, quoted for any shell."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(REGISTRY, url.partition(":")[0], raising=False)
    with pytest.raises(DeliveryError) as error:
        write([DAG], url)

    assert str(error.value).endswith(f":// needs pip install 'kedro-airflow-k8s[{extra}]'")


def test_an_unknown_protocol():
    """A slip in the configuration."""
    with pytest.raises(DeliveryError, match=r"sr://dags: sr:// is not known; output can be a folder, s3://"):
        write([DAG], "sr://dags")


def test_credentials_in_a_url_are_not_shown():
    """Some file systems take them there."""
    with pytest.raises(DeliveryError) as error:
        write([DAG], "sr://me:planted@host/dags")

    assert "sr://...@host/dags" in str(error.value)
    assert "planted" not in str(error.value)
