"""The distributions as a user gets them: complete, described, and enough for `init` and `compile` by themselves."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from kedro_airflow_k8s import __version__
from tests import distribution
from tests.distribution import ROOT

PACKAGE = "kedro_airflow_k8s"
TREE = {
    str(file.relative_to(ROOT)): file.read_bytes()
    for file in (ROOT / PACKAGE).rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}


def run(*command: object, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command that must succeed, away from the environment of the tests, and return what it says."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("KEDRO", "PYTHON", "VIRTUAL"))}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**outside, "DO_NOT_TRACK": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist and a wheel of it, and in a folder of its own a wheel straight from the tree."""
    folder = tmp_path_factory.mktemp("built")
    build = (sys.executable, "-m", "build", "--installer", "uv", distribution.copy(folder))
    run(*build, "--outdir", folder)
    run(*build, "--wheel", "--outdir", folder / "direct")
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel that was made from the sdist."""
    (found,) = built.glob("*.whl")
    return found


def members(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel, without those that describe it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_is_the_package(wheel):
    """Every file of the package is in the wheel, templates, schema and py.typed among them, and nothing else."""
    assert members(wheel) == TREE
    assert {f"{PACKAGE}/py.typed", f"{PACKAGE}/codegen/dag.py.j2", f"{PACKAGE}/scaffold/workflow.yml.j2"} <= {*TREE}


def test_the_wheel_from_the_sdist_is_the_one_from_the_tree(built, wheel):
    """Who builds from the sdist, as distributors do, gets the same."""
    (direct,) = (built / "direct").glob("*.whl")

    assert members(direct) == members(wheel)


def test_both_hold_the_license(built, wheel):
    """The licence goes wherever the code goes."""
    text = (ROOT / "LICENSE").read_bytes()
    (sdist,) = built.glob("*.tar.gz")

    with tarfile.open(sdist) as archive, zipfile.ZipFile(wheel) as unpacked:
        assert archive.extractfile(f"{PACKAGE}-{__version__}/LICENSE").read() == text
        (name,) = (name for name in unpacked.namelist() if name.endswith("/LICENSE"))
        assert unpacked.read(name) == text


def test_the_description_is_the_readme_and_can_be_shown(built, wheel):
    """An index would take both, and show the README."""
    run(sys.executable, "-m", "twine", "check", "--strict", *built.glob("kedro*"))

    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert (metadata["Name"], metadata["Version"]) == ("kedro-airflow-k8s", __version__)


@pytest.fixture(scope="module")
def kedro(wheel, tmp_path_factory):
    """Kedro's command in an environment that holds the wheel and what the wheel itself asks for."""
    environment = tmp_path_factory.mktemp("empty") / "environment"
    run("uv", "venv", "--python", sys.executable, environment)
    run("uv", "pip", "install", "--python", environment, wheel)
    run("uv", "pip", "check", "--python", environment)
    return environment / "bin/kedro"


def test_init_and_compile_need_nothing_else(kedro, tmp_path):
    """In a new project the installed plugin writes configuration and workflows, and compiles a DAG from them."""
    run(kedro, "new", "--name", "Demo", "--tools", "none", "--example", "n", "--telemetry", "no", cwd=tmp_path)
    pipeline = tmp_path / "demo/src/demo/pipelines/one/__init__.py"
    pipeline.parent.mkdir()
    pipeline.write_text(
        "from kedro.pipeline import node, pipeline\n\n\n"
        "def create_pipeline(**kwargs):\n"
        "    return pipeline([node(print, 'parameters', None, name='one')])\n",
        encoding="utf-8",
    )

    said = run(kedro, "airflow-k8s", "init", "--with-github-actions", cwd=tmp_path / "demo")
    run(kedro, "airflow-k8s", "compile", cwd=tmp_path / "demo")

    written = [f".github/workflows/{name}.yml" for name in ("on-push", "on-merge-to-main")]
    assert all(f"Wrote {name}\n" in said for name in ("conf/base/airflow-k8s.yaml", *written))
    compile((tmp_path / "demo/dags/demo.py").read_text(encoding="utf-8"), "demo.py", "exec")
