"""KEDRO_CONFIG_* variables in every configuration file, as `kedro run` and as the plugin's commands read them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.kedro.conftest import KedroProject, pods

LOOK = """
from kedro.pipeline import node, pipeline


def look(parameters):
    return parameters


def create_pipeline(**kwargs):
    return pipeline([node(look, "parameters", "seen", name="look")])
"""

DATASETS = """
import json
from pathlib import Path

from kedro.io import AbstractDataset


class Seen(AbstractDataset):
    def __init__(self, filepath, note, credentials):
        self.filepath, self.note, self.credentials = filepath, note, credentials

    def _load(self):
        raise NotImplementedError

    def _save(self, data):
        seen = {"parameters": data, "filepath": self.filepath, "note": self.note, "credentials": self.credentials}
        Path("seen.json").write_text(json.dumps(seen))

    def _describe(self):
        return {}
"""

LOADER = """
import json
from pathlib import Path

from kedro.config import AbstractConfigLoader, MissingConfigException


class JsonLoader(AbstractConfigLoader):
    def __getitem__(self, kind):
        try:
            return json.loads(Path(self.conf_source, "base", f"{kind}.json").read_text())
        except FileNotFoundError:
            raise MissingConfigException(kind)


CONFIG_LOADER_CLASS = JsonLoader
CONFIG_LOADER_ARGS = {}
"""

FILES = {
    "globals.yml": """
        bucket: s3://${bucket|dev}
        seven: 7
    """,
    "parameters.yml": """
        commit: ${commit_id|dirty}  # ${this|is not read}
        branch: "on ${branch_name|no: branch}"
        number: ${number|5}
        decoded: ${oc.decode:${number|5}}
        bucket: ${globals:bucket}/${globals:seven}
        sibling: ${section.key}
        section: {key: [1, "${.0}"]}
        given: ${runtime_params:given,absent}
        nested: ${number|${globals:seven}}
        escaped: \\${number|5}
    """,
    "catalog.yml": """
        seen:
            type: matrix.datasets.Seen
            filepath: "${globals:bucket}/${commit_id|dirty}"
            note: ${_note}
            credentials: service
        _note: ${note|none}
    """,
    "credentials.yml": """
        service: {token: "${oc.env:TOKEN}", commit: "${commit_id|dirty}"}
    """,
    "airflow-k8s.yaml": """
        host: http://127.0.0.1:1
        output: airflow
        run_config:
            image: registry.example.com/matrix:${commit_id|dirty}
            namespace: airflow
            experiment_name: Matrix
            description: in ${globals:bucket} as ${run_config.image}
            startup_timeout: ${number|5}
            volume: {size: "${number|5}Gi", owner: "${number|5}"}
    """,
}
ODD = "a ${oc.env:HOME} {b}\n'\"# ż😀"


@pytest.fixture(scope="module")
def project(template, tmp_path_factory):
    """A project whose files all refer to variables, with a node that keeps what it saw of them."""
    project = KedroProject(Path(shutil.copytree(template, tmp_path_factory.mktemp("variables") / "matrix")))
    (project.path / "conf/local/credentials.yml").unlink()
    for name, text in FILES.items():
        project.write(f"conf/base/{name}", text)
    project.write("src/matrix/datasets.py", DATASETS)
    project.write("src/matrix/pipelines/looking/__init__.py", LOOK)
    return project


def seen(project, *arguments, **environment):
    result = project.kedro("run", *arguments, TOKEN="secret", **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(project.read("seen.json"))


def test_defaults_are_used_where_no_variable_is_set(project):
    """In parameters, catalog, credentials and globals.yml; OmegaConf's own interpolations are what they always are."""
    assert seen(project) == {
        "parameters": {
            "commit": "dirty",
            "branch": "on no: branch",
            "number": "5",
            "decoded": 5,
            "bucket": "s3://dev/7",
            "sibling": [1, 1],
            "section": {"key": [1, 1]},
            "given": "absent",
            "nested": 7,
            "escaped": "${number|5}",
        },
        "filepath": "s3://dev/dirty",
        "note": "none",
        "credentials": {"token": "secret", "commit": "dirty"},
    }


def test_variables_are_used_as_they_are(project):
    """A value is text, to the letter, in all files."""
    environment = {"COMMIT_ID": "00123", "BRANCH_NAME": ODD, "NUMBER": "6", "BUCKET": "prod", "NOTE": ""}

    found = seen(
        project, "--params=given=there", **{f"KEDRO_CONFIG_{name}": text for name, text in environment.items()}
    )

    parameters = found.pop("parameters")
    assert found == {
        "filepath": "s3://prod/00123",
        "note": "",
        "credentials": {"token": "secret", "commit": "00123"},
    }
    assert {**parameters, "section": {}} == {
        "commit": "00123",
        "branch": f"on {ODD}",
        "number": "6",
        "decoded": 6,
        "bucket": "s3://prod/7",
        "sibling": [1, 1],
        "section": {},
        "given": "there",
        "nested": "6",
        "escaped": "${number|5}",
    }


def test_the_commands_of_the_plugin_read_the_same(project):
    """Where a number is wanted the text is taken for one."""
    result = project.kedro("airflow-k8s", "compile", KEDRO_CONFIG_NUMBER="77", KEDRO_CONFIG_COMMIT_ID="00123")

    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    dag = project.read("dags/Matrix.py")
    assert list(pods(dag)) == ["look"]
    for expected in (
        '"image": "registry.example.com/matrix:00123"',
        'description="in s3://dev as registry.example.com/matrix:00123"',
        '{"storage": "77Gi"}',
        '"fsGroup": 77',
        "startup_timeout_seconds=77",
    ):
        assert expected in dag


def test_a_name_that_is_nowhere_is_an_error_that_leads_to_it(project):
    """`kedro run` says which file, line and key, and which variable to set."""
    project.write("conf/broken/parameters_more.yml", "more:\n  deep: [a, 'b ${not_there}']\n")

    result = project.kedro("run", "--env=broken", TOKEN="secret")

    assert result.returncode == 1
    assert (
        "conf/broken/parameters_more.yml, line 2: more.deep[1]: ${not_there} is neither a key of this configuration "
        "nor a variable; set KEDRO_CONFIG_NOT_THERE for ${not_there}, or write a default, ${not_there|...}"
    ) in " ".join(result.stderr.split())


def test_a_config_loader_of_the_project_is_left_alone(template, tmp_path):
    """The plugin says in one line that variables are not read, and goes on with what the loader gives."""
    project = KedroProject(Path(shutil.copytree(template, tmp_path / "matrix")))
    project.write("src/matrix/settings.py", LOADER)
    project.write("src/matrix/pipelines/looking/__init__.py", LOOK)
    config = {"image": "matrix:1", "namespace": "airflow", "experiment_name": "Matrix", "description": "${x|y}"}
    for kind, content in {
        "airflow-k8s": {"run_config": config},
        "catalog": {},
        "parameters": {"commit": "${x}"},
    }.items():
        project.write(f"conf/base/{kind}.json", json.dumps(content))

    run = project.kedro("run", KEDRO_CONFIG_X="1")
    compiled = project.kedro("airflow-k8s", "compile")
    written = project.read("dags/Matrix.py")
    config["image"] = "matrix:${commit_id|dirty}"
    project.write("conf/base/airflow-k8s.json", json.dumps({"run_config": config}))
    refused = project.kedro("airflow-k8s", "compile")

    reason = "variables are not used in the configuration: CONFIG_LOADER_CLASS of settings.py is JsonLoader"
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count(reason) == 1
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    assert compiled.stderr == f"Note: KEDRO_CONFIG_* {reason}, which is no OmegaConfigLoader\n"
    assert 'description="${x|y}"' in written
    assert refused.returncode == 1
    assert "got 'matrix:${commit_id|dirty}'\nKEDRO_CONFIG_* " + reason in refused.stderr
