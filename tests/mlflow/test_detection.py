"""What the plugin makes of a project's own kedro-mlflow, which is installed here."""

import subprocess
import sys

import pytest

from tests.e2e.conftest import kedro, write
from tests.spaceflights import copy

URI = "https://mlflow.example.com"


@pytest.fixture
def project(tmp_path):
    """The spaceflights project, outside git, without an mlflow.yml."""
    return copy(tmp_path)


def compiled(project, *options, env="local"):
    """Compile, and return what the terminal shows and the DAG file."""
    result = kedro(project, "airflow-k8s", "-e", env, "compile", *options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stderr, (project / "dags/spaceflights.py").read_text(encoding="utf-8")


def initialised(project, folder):
    """Let kedro-mlflow write its own file, and name a server in it."""
    done = kedro(project, "mlflow", "init", "--env", folder, DO_NOT_TRACK="1")
    assert done.returncode == 0, done.stdout + done.stderr
    file = project / f"conf/{folder}/mlflow.yml"
    content = file.read_text(encoding="utf-8")
    assert "mlflow_tracking_uri: null" in content
    file.write_text(content.replace("mlflow_tracking_uri: null", f"mlflow_tracking_uri: {URI}"), encoding="utf-8")
    return file


def test_the_file_that_kedro_mlflow_writes(project):
    """Its server and its experiment are used; the switch on the command line leaves MLflow out."""
    initialised(project, "base")

    said, dag = compiled(project)
    _, without = compiled(project, "--no-mlflow")

    assert f'MLflowServer(tracking_uri="{URI}")' in dag
    assert 'experiment="spaceflights"' in dag
    assert "MLflow" not in said
    assert "compile --no-mlflow" in without
    assert "mlflow_env" not in without


def test_where_kedro_mlflow_puts_its_file_no_image_has_it(project):
    """The warning names the file, and what the pods would do."""
    initialised(project, "local")

    said, dag = compiled(project)
    elsewhere, without = compiled(project, env="base")

    assert "conf/local/mlflow.yml is not in an image that kedro-docker makes" in said
    assert "StartMLflowExperimentOperator" in dag
    assert "MLflow is off: conf/local/mlflow.yml is of another environment than base" in elsewhere
    assert "StartMLflowExperimentOperator" not in without


def test_without_a_file_each_pod_would_track_alone(project):
    """kedro-mlflow's hook works in every pod, whether it is configured or not."""
    said, dag = compiled(project)

    assert "MLflow is off: there is no mlflow.yml" in said
    assert "MLFLOW_RUN_ID" not in dag


def test_a_project_that_disables_the_hook_has_no_mlflow(project):
    """Then no pod tracks, and there is nothing to say."""
    initialised(project, "base")
    write(project, "src/spaceflights/settings.py", 'DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow",)\n')

    said, dag = compiled(project)

    assert "MLflow" not in said
    assert "MLflow" not in dag


def test_references_and_random_names_are_understood(project):
    """`globals` and kedro-mlflow's own resolver may stand in the file; only the file's words are read."""
    write(project, "conf/base/globals.yml", f"tracking: {URI}\n")
    write(
        project,
        "conf/base/mlflow.yml",
        """
        server: {mlflow_tracking_uri: "${globals:tracking}"}
        tracking: {run: {name: "${km.random_name:}"}, experiment: {name: Prices}}
        """,
    )

    said, dag = compiled(project)

    assert f'MLflowServer(tracking_uri="{URI}")' in dag
    assert 'experiment="Prices"' in dag
    assert "run_name=" not in dag.partition("# What is used above")[0]
    assert "MLflow" not in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("server: https://x\n", "conf/base/mlflow.yml: server: should be a section of keys and values"),
        ("server: {mlflow_tracking_uri: 3}\n", "conf/base/mlflow.yml: server.mlflow_tracking_uri: should be text"),
        ("server: {\n", "conf/base/mlflow.yml: line 2"),
    ],
)
def test_a_file_that_is_wrong_is_named(project, content, expected):
    """It would fail in every pod."""
    write(project, "conf/base/mlflow.yml", content)

    result = kedro(project, "airflow-k8s", "compile")

    assert result.returncode == 1
    assert expected in result.stderr


def test_compiling_imports_no_mlflow(project):
    """It would take seconds, and contact the server."""
    initialised(project, "base")
    script = (
        "import sys; from pathlib import Path; from kedro.framework.startup import bootstrap_project;"
        " from kedro_airflow_k8s.build import BuildOptions, build; metadata = bootstrap_project(Path.cwd());"
        " build(metadata, BuildOptions('compile', 'local', '__default__'));"
        " assert not {'mlflow', 'kedro_mlflow'} & {*sys.modules}"
    )

    subprocess.run(
        [sys.executable, "-c", script], cwd=project, check=True, env={"DO_NOT_TRACK": "1", "PATH": "/usr/bin"}
    )
