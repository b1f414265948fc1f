"""The environments that hold Airflow: which release, made where, made once. uv is a stand-in unless a test says so."""

import http.server
import stat
import subprocess
import sys
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import psutil
import pytest

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.airflow.install import Release, Uv
from tests.unit.sandbox.airflow import standin

MINOR = "{}.{}".format(*sys.version_info)
UV = """#!{python} -ISs
import os, pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    shutil.copytree(here / "prepared", sys.argv[-1], symlinks=True, dirs_exist_ok=True)
elif sys.argv[1] == "pip":
    time.sleep(0.5 if (here / "slow").exists() else 0)
    if (here / "endless").exists():
        (here / "pid.new").write_text(str(os.getpid()))
        (here / "pid.new").rename(here / "pid")
        time.sleep(600)
    print("Resolved 145 packages in 1.22s", "noise", "Installed 145 packages in 268ms", sep="\\n", file=sys.stderr)
    if (here / "fails").exists():
        print((here / "fails").read_text(), file=sys.stderr)
        sys.exit(2)
elif sys.argv[1] == "python":
    found = here / "python"
    sys.exit("none") if not found.exists() else print(found)
"""


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """Make the stand-in for uv the one that is found, with an empty cache folder; return its folder."""
    folder = tmp_path / "uv"
    standin.environment(folder / "prepared")
    (folder / "uv").write_text(UV.format(python=sys.executable))
    (folder / "uv").chmod(stat.S_IRWXU)
    monkeypatch.setattr(install, "find_uv", lambda: str(folder / "uv"))
    monkeypatch.setenv("KEDRO_AIRFLOW_K8S_CACHE", str(tmp_path / "cache"))
    return folder


def calls(uv):
    return (uv / "calls").read_text().splitlines()


def ensure(version=None):
    said = []
    return install.ensure(version, said.append), said


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (None, install.RELEASES["3.3"]),
        ("2.11", install.RELEASES["2.11"]),
        ("3.0", install.RELEASES["3.0"]),
        ("3.3.2", install.RELEASES["3.3"]),
        ("3.0.2", Release("3.0.2", (3, 13), install.RELEASES["3.0"].uploaded_until)),
        ("3.3.99", Release("3.3.99", (3, 15), None)),
    ],
)
def test_release_that_a_version_means(version, expected):
    """A minor means its tested release; a later one than that cannot be of that release's day."""
    assert expected == install.choose(version)


@pytest.mark.parametrize("version", ["2.10", "2.10.5", "3.4", "4.0.0", "3", "3.3.2rc1", "latest", ""])
def test_unsupported_releases_are_refused(version):
    """Anything else is an error that lists what there is."""
    with pytest.raises(SandboxError, match=r"cannot be run by the sandbox; give one of 2.11, 3.0, 3.1, 3.2, 3.3"):
        install.choose(version)


def test_cache_folder(monkeypatch, tmp_path):
    """Our own variable goes before the desktop's, and that before the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("KEDRO_AIRFLOW_K8S_CACHE", raising=False)
    found = [install.cache_folder()]
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    found.append(install.cache_folder())
    monkeypatch.setenv("KEDRO_AIRFLOW_K8S_CACHE", "~/own")
    found.append(install.cache_folder())

    assert [tmp_path / ".cache/kedro-airflow-k8s", Path("/xdg/kedro-airflow-k8s"), tmp_path / "own"] == found


def test_airflow_is_installed_on_first_use(uv, tmp_path):
    """uv makes an environment, installs into it as of the release's day, and the user sees what is going on."""
    python, said = ensure()

    folder = python.parent.parent
    assert tmp_path / "cache" == folder.parent
    assert folder.name.startswith(f"airflow-3.3.2-py{MINOR}-")
    assert [
        f"Installing Airflow 3.3.2 for Python {MINOR} into {folder}, this once",
        "  Resolved 145 packages in 1.22s",
        "  Installed 145 packages in 268ms",
        "Preparing Airflow's database, this once",
    ] == said
    packages = "apache-airflow==3.3.2 apache-airflow-providers-cncf-kubernetes"
    assert [
        f"venv --no-project --python {sys.executable} {folder}",
        f"pip install --python {python} --compile-bytecode {packages} --exclude-newer 2026-11-20",
    ] == calls(uv)
    assert ["db migrate"] == standin.calls(python)


def test_airflow_is_installed_once(uv):
    """The second use finds it, says nothing and runs nothing."""
    first, _ = ensure()
    before = calls(uv)

    assert (first, []) == ensure()
    assert before == calls(uv)


@pytest.mark.parametrize("damage", [".complete", "bin/python"])
def test_a_damaged_environment_is_made_anew(uv, damage):
    """If its making was interrupted, or the Python it was made from is gone, the folder starts from nothing."""
    python, _ = ensure()
    (python.parent.parent / damage).unlink()
    (python.parent.parent / "half").touch()

    assert python == ensure()[0]
    assert 4 == len(calls(uv))
    assert not (python.parent.parent / "half").exists()


def test_two_at_once_install_once(uv):
    """Whoever comes second waits, says so, and uses what the first one made."""
    (uv / "slow").touch()
    results = []
    threads = [threading.Thread(target=lambda: results.append(ensure())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (first, said), (second, said_by_second) = sorted(results, key=lambda result: -len(result[1]))
    assert first == second
    assert 4 == len(said)
    assert ["Waiting for another process that is installing the same Airflow"] == said_by_second
    assert 2 == len(calls(uv))


def test_a_failed_installation_is_explained_and_tried_again(uv):
    """uv's own last lines are in the message, and nothing of the failure stays."""
    (uv / "fails").write_text("error: Failed to fetch: `index`\n  cause: dns error")

    with pytest.raises(SandboxError) as caught:
        ensure()
    (uv / "fails").unlink()
    python, _ = ensure()

    message = str(caught.value)
    assert message.startswith("`uv pip install --python ")
    assert "failed with exit status 2; see that the package index can be reached" in message
    assert message.endswith("  error: Failed to fetch: `index`\n    cause: dns error")
    assert python.exists()


KILLED = """
import sys
from kedro_airflow_k8s.sandbox.airflow import install
install.find_uv = lambda: sys.argv[1]
install.ensure(None, lambda text: print(text, flush=True))
"""


def test_an_installation_that_is_killed_leaves_nothing(uv, tmp_path):
    """uv ends with the process that started it, and what it has written so far is removed."""
    (uv / "endless").touch()
    command = [sys.executable, "-c", KILLED, str(uv / "uv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline().startswith(b"Installing Airflow")
        while not (uv / "pid").exists():
            time.sleep(0.01)
        process.kill()
        # It ends with the last process that could write there.
        assert process.stderr.read() == b""
    pid = int((uv / "pid").read_text())

    def left():
        return [file.name for file in (tmp_path / "cache").iterdir() if file.suffix != ".lock"]

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (psutil.pid_exists(pid) or left()):
        time.sleep(0.02)

    assert (False, []) == (psutil.pid_exists(pid), left())


@pytest.fixture
def undated_index(tmp_path):
    """Serve a package index that does not tell when its one package was uploaded; return its address."""
    folder = tmp_path / "index" / "undated"
    folder.mkdir(parents=True)
    name = "undated-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr("undated.py", "")
        wheel.writestr("undated-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: undated\nVersion: 1.0\n")
        wheel.writestr("undated-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("undated-1.0.dist-info/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{name}">{name}</a>')
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as index:
        threading.Thread(target=index.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{index.server_port}"
        index.shutdown()


def test_an_index_without_dates_is_used_as_it_is_today(tmp_path, monkeypatch, undated_index):
    """Where the real uv finds no upload dates, what is newest is installed, and the user is told."""
    cache = tmp_path / "cache"
    python = cache / "environment" / "bin" / "python"
    monkeypatch.setenv("KEDRO_AIRFLOW_K8S_CACHE", str(cache))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", undated_index)
    said = []

    with install.locked(cache / "lock", said.append) as lock:
        uv = Uv(install.find_uv(), cache, lock, said.append)
        uv.run("venv", "--python", sys.executable, str(cache / "environment"))
        uv.install(python, ["undated"], "2026-11-20")

    told = "The package index has no upload dates: installing today's packages instead of those of 2026-11-20"
    assert told in said
    assert [] != list(cache.glob("environment/lib/*/site-packages/undated.py"))


def test_a_cache_folder_that_cannot_be_made_is_an_error(uv, tmp_path, monkeypatch):
    """The message names the folder and the variable that sets another."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("KEDRO_AIRFLOW_K8S_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(SandboxError, match=r"file/cache: Airflow cannot be kept there .*KEDRO_AIRFLOW_K8S_CACHE"):
        ensure()


def test_this_python_is_taken_if_airflow_supports_it():
    """No other one is looked for."""
    assert (sys.executable, MINOR) == install.find_python("no-uv", install.RELEASES["3.3"])


def test_another_python_is_looked_for_if_airflow_does_not_support_this_one(uv):
    """uv finds one that it does, and that one tells its own version."""
    (uv / "python").symlink_to(sys.executable)
    release = Release("9.9.9", before_python=sys.version_info[:2], uploaded_until=None)

    assert (str(uv / "python"), MINOR) == install.find_python(str(uv / "uv"), release)
    assert [f"python find --no-project >=3.10,<{MINOR}"] == calls(uv)


def test_no_python_that_airflow_supports_is_an_error(uv):
    """The message says which one to install."""
    release = Release("9.9.9", before_python=(3, 10), uploaded_until=None)

    with pytest.raises(SandboxError, match=r"Airflow 9.9.9 needs a Python >=3.10,<3.10, .*`uv python install 3.9`"):
        install.find_python(str(uv / "uv"), release)


def test_uv_comes_with_the_extra():
    """The uv that was installed along is the one that is used."""
    assert "uv" == Path(install.find_uv()).name


def test_uv_on_the_path_will_do(uv, monkeypatch):
    """Without the package, any uv on the PATH is used."""
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(uv))

    assert str(uv / "uv") == install.find_uv()


def test_no_uv_is_an_error(tmp_path, monkeypatch):
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SandboxError, match=r"pip install 'kedro-airflow-k8s\[sandbox\]'"):
        install.find_uv()


def test_missing_libraries_are_an_error(monkeypatch):
    """What only the sandbox needs is asked for before anything is installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(SandboxError, match=r"needs aiohttp and psutil: pip install 'kedro-airflow-k8s\[sandbox\]'"):
        install.require_extra()
