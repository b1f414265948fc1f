"""What the documentation shows is what the code does."""

import json
import re
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from kedro_airflow_k8s.config import load, load_sandbox
from kedro_airflow_k8s.config.sections import PluginConfig

from .test_golden import EVERYTHING

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "kedro_airflow_k8s/config/airflow-k8s.schema.json"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_reference_is_current():
    """docs/configuration.md is what docs/generate.py writes, and every key of the model is in it."""
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["configuration"]()

    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == generated


def test_the_commands_are_current():
    """docs/cli.md is what docs/generate.py writes from the commands."""
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["commands"]()

    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == generated


def test_the_code_of_the_generated_dag_is_current():
    """The code on the page of the generated DAG is that of the golden files, as docs/generate.py writes it."""
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["generated_dag"]()

    assert (ROOT / "docs/generated-dag.md").read_text(encoding="utf-8") == generated


def accepted(text):
    """Tell whether an editor that goes by the schema has nothing to say of the text; for it a date is text."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator(schema).is_valid(yaml.load(text, Loader))


def test_the_schema_is_current():
    """The JSON schema in the package is what docs/generate.py writes, and is one."""
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["schema"]()

    assert SCHEMA.read_text(encoding="utf-8") == generated
    Draft202012Validator.check_schema(json.loads(generated))


def test_the_schema_describes_every_key():
    """An editor shows each key's meaning; a key of two spellings has both."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    sections = {**schema["$defs"], "": schema}
    described = {
        name: {key for key, said in section["properties"].items() if said["description"]}
        for name, section in sections.items()
        if "properties" in section
    }

    model = PluginConfig.model_json_schema()
    expected = {name: {*section["properties"]} for name, section in {**model["$defs"], "": model}.items()}
    expected["RunConfig"].add("startup_time")
    assert expected == described


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in blocks("yaml")[:2]),
        (EVERYTHING, True),
        ("_shared: {a: 1}\nrun_config: {volume:, catchup: '${x}', namespace: '${y}', secrets: ['${z}']}", True),
        ("run_config: {startup_timeot: 3}", False),
        ("run_config: {volume: {disabled: maybe}}", False),
        ("run_config: {image_pull_policy: always}", False),
        ("run_config: {namespace: Air_Flow}", False),
        ("run_config: {resources: {large: {requests: {cpu: lots}}}}", False),
        ("run_config: {resources: {large: {labels: {a b: c}}}}", False),
        ("run_config: {secrets: [{key: x}]}", False),
        ("run_config: {authentication: {type: Null}}", True),
        ("run_config: {authentication: {type: Vars}}", False),
        ("nope: 1", False),
    ],
)
def test_the_schema_accepts_what_the_plugin_does(text, expected):
    """The README's example, all keys at once, references and empty sections pass; mistakes do not."""
    assert expected == accepted(text)


def test_the_generated_code_in_the_readme_is_current():
    """The parts of a DAG file that the README shows are in the golden file, whatever its build id."""
    golden, readme = (
        re.sub("Build id: [0-9a-f]{12}", "", text)
        for text in ((ROOT / "tests/golden/spaceflights.py").read_text(encoding="utf-8"), README)
    )
    shown = [block for block in blocks("python", readme) if "NodePodOperator" in block or "@dag" in block]

    assert len(shown) == 2
    for block in shown:
        assert block.replace("    ...\n", "").strip() in golden


def test_the_configuration_in_the_readme_is_valid():
    """What a newcomer copies from the README is accepted."""
    whole, resources, sandbox = (yaml.safe_load(block) for block in blocks("yaml"))
    whole["run_config"].update(resources["run_config"])

    assert load(whole, ["README.md"], required=["host", "output", "run_config.image"]).run_config.resources
    assert load_sandbox(sandbox, ["README.md"]).secrets


def test_ci_runs_the_command_of_the_readme():
    """.ci/run finds one command in the README, the one for the tests."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8").replace("exec bash -euc", "echo")

    done = subprocess.run(
        ["bash", "-c", script, str(ROOT / ".ci/run")], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout.strip() in blocks("sh")[-1]
    assert "tox run" in done.stdout
