"""The image that kedro-docker's own template makes, which the defaults are for."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s import dockerignore
from kedro_airflow_k8s.config import load
from kedro_airflow_k8s.plan.pod import IMAGE_WORKDIR
from kedro_airflow_k8s.project.docker import workdir
from kedro_airflow_k8s.sandbox.cluster.image import Image

TEMPLATE = Path(importlib.util.find_spec("kedro_docker").origin).with_name("template")
DOCKERFILES = ("Dockerfile.simple", "Dockerfile.spark")


def copy_template(project: Path, dockerfile: str = "Dockerfile.simple") -> None:
    """Do what `kedro docker init` does, which itself asks for a Docker engine first."""
    shutil.copyfile(TEMPLATE / dockerfile, project / "Dockerfile")
    shutil.copyfile(TEMPLATE / ".dockerignore", project / ".dockerignore")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_project_lies_where_the_plugin_takes_it_to_be(tmp_path, dockerfile):
    """The folder is the one of the Dockerfile, and the same where a project has none."""
    copy_template(tmp_path, dockerfile)

    assert workdir(tmp_path) == IMAGE_WORKDIR == PurePosixPath("/home/kedro_docker")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_user_of_the_image_may_write_to_the_volume(dockerfile):
    """The image's user is in the group that owns the volume if the configuration says nothing of it."""
    text = (TEMPLATE / dockerfile).read_text()
    config = load({"run_config": {"namespace": "n", "experiment_name": "e"}}, ["f"])

    assert set(re.findall(r"ARG KEDRO_GID=(\d+)", text)) == {str(config.run_config.volume.owner)}
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["kedro_docker"]
    assert "-g ${KEDRO_GID} -u ${KEDRO_UID} kedro_docker" in text


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_image_runs_what_a_pod_gives_it(dockerfile):
    """It has no entrypoint that would make something else of the pod's arguments, and a shell to copy data with."""
    text = (TEMPLATE / dockerfile).read_text()

    assert "ENTRYPOINT" not in text
    assert "-s /bin/bash" in text


def test_a_compiled_pod_fits_the_image(kedro_project):
    """Folder, volume, group and arguments, with a configuration that has only what is required."""
    project = kedro_project()
    copy_template(project.path)

    result = project.run("compile", "-t", str(project.path / "dags"))

    assert result.exit_code == 0, result.output
    dag = (project.path / "dags/Demo.py").read_text()
    for expected in (
        '"workingDir": "/home/kedro_docker"',
        '"args": ["kedro", "run", "--env=local"]',
        '"mountPath": "/home/kedro_docker/data"',
        '"securityContext": {"fsGroup": 0}',
    ):
        assert expected in dag
    assert dag.partition("# What is used above")[0].count('"command": ["sh", "-c",') <= 1


def test_what_the_image_holds(tmp_path):
    """Its .dockerignore leaves out data, credentials and what is in conf/local, but not conf/local itself."""
    project, root = tmp_path / "project", tmp_path / "image"
    for name in (
        ".gitignore",
        "conf/base/catalog.yml",
        "conf/base/credentials.yml",
        "conf/local/.gitkeep",
        "conf/local/airflow-k8s.yaml",
        "conf/prod/my_credentials/db.yml",
        "data/01_raw/companies.csv",
        "logs/.gitkeep",
        "logs/info.log",
        "notebooks/x.ipynb",
        "requirements.txt",
        "src/demo/__init__.py",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    copy_template(project)

    Image(project, IMAGE_WORKDIR, Path(sys.executable), dockerignore.read(project)).build(root)

    folder = root / "home/kedro_docker"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        ".gitignore",
        "conf/base/catalog.yml",
        "conf/local/.gitkeep",
        "logs/.gitkeep",
        "requirements.txt",
        "src/demo/__init__.py",
    ]


def test_local_data_that_the_image_leaves_out_is_a_warning(kedro_project):
    """The node that reads it would fail; what a node writes, what lies elsewhere and parameters are no such data."""
    nodes = 'node(identity, "raw", "clean", name="one"), node(pair, ["clean", "kept", "params:a"], "model", name="two")'
    project = kedro_project(f"""
from kedro.pipeline import node, pipeline


def identity(x):
    return x


def pair(x, y, z):
    return x


def register_pipelines():
    return {{"__default__": pipeline([{nodes}])}}
""")
    copy_template(project.path)
    entry = "{type: pickle.PickleDataset, filepath: FILE}"
    files = {
        "raw": "./data/raw.pkl",
        "clean": "data/clean.pkl",
        "kept": "files/kept.pkl",
        "'{any}'": "'data/{any}.pkl'",
    }
    project.write("conf/base/catalog.yml", "".join(f"{k}: {entry.replace('FILE', v)}\n" for k, v in files.items()))

    result = project.run("compile", "-t", str(project.path / "dags"))

    assert result.exit_code == 0, result.output
    assert [line for line in result.output.splitlines() if "Warning" in line] == [
        "Warning: dataset 'raw' is read by 'one' from data/raw.pkl, which .dockerignore keeps out of the image; keep "
        "it there with a line !data/raw.pkl, or have it in remote storage"
    ]
