"""What is no command on a page is right as well: configuration the plugin takes, manifests that Kubernetes takes."""

import configparser
import json
import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

from kedro_airflow_k8s.config import load, load_sandbox
from tests.docs.pages import BLOCKS, of

# Kinds that others define: of them only the head is checked.
FOREIGN = {"RequestAuthentication": "security.istio.io/v1", "AuthorizationPolicy": "security.istio.io/v1"}
KUBERNETES = "1.31"
OURS = {"host", "output", "run_config"}
LANGUAGES = {"dockerfile", "ini", "python", "sh", "text", "yaml"}


def kind(block):
    """Tell what a block of YAML is."""
    if block.caption:
        return block.caption
    (first, *_) = yaml.safe_load_all(block.text)
    return "manifest" if "apiVersion" in first else "airflow-k8s" if {*first} <= OURS else "unknown"


MANIFESTS = [block for block in of("yaml") if kind(block) == "manifest"]
FRAGMENTS = [block for block in of("yaml") if kind(block) in {"airflow-k8s", "conf/base/airflow-k8s.yaml"}]
SANDBOX = [block for block in of("yaml") if kind(block) == "conf/local/airflow-k8s-sandbox.yaml"]
GITLAB = [block for block in of("yaml") if kind(block) == ".gitlab-ci.yml"]
KEDRO = [
    block
    for block in of("yaml")
    if re.fullmatch(r"conf/base/(catalog|parameters|credentials|mlflow)\w*\.yml", kind(block))
]


@pytest.fixture(scope="module")
def metadata(quickstart):
    """Return what Kedro says of the quickstart's project, in this process."""
    from kedro.framework.startup import bootstrap_project

    return bootstrap_project(quickstart)


def test_every_block_is_checked():
    """No page has a block in a language, or YAML of a kind, that no test looks at."""
    checked = [*MANIFESTS, *FRAGMENTS, *SANDBOX, *GITLAB, *KEDRO]

    assert {block.language for block in BLOCKS if not block.language.startswith("{")} <= LANGUAGES
    assert [str(block) for block in of("yaml") if block not in checked] == []


def test_no_text_hides_a_command():
    """What is to be typed stands in blocks that are run."""
    typed = [str(block) for block in of("text") if re.search(r"^(\$ |kedro |pip |docker )", block.text, re.MULTILINE)]

    assert [] == typed


@pytest.mark.parametrize("block", FRAGMENTS, ids=str)
def test_configuration_is_accepted(block, quickstart, metadata, monkeypatch):
    """Configuration on a page, laid over that of the quickstart by the project's own loader, is right as a whole."""
    from kedro_airflow_k8s import project

    for name in re.findall(r"\$\{(\w+)\}", block.text):
        monkeypatch.setenv(f"KEDRO_CONFIG_{name.upper()}", "set")
    file = quickstart / "conf/page/airflow-k8s.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(block.text, encoding="utf-8")

    source = project.source(metadata, "page")

    assert load(source.content, source.files, required=["host", "output", "run_config.image"])
    assert not re.search(r"\$\{", json.dumps(source.content))


@pytest.mark.parametrize("block", SANDBOX, ids=str)
def test_configuration_of_the_sandbox_is_accepted(block):
    """What the sandbox shall hold is read."""
    assert load_sandbox(yaml.safe_load(block.text), [str(block)])


@pytest.mark.parametrize("block", MANIFESTS, ids=str)
def test_manifests_are_valid(block):
    """A manifest is one that Kubernetes takes; of other projects' kinds the head is right."""
    for manifest in yaml.safe_load_all(block.text):
        if manifest["kind"] in FOREIGN:
            assert FOREIGN[manifest["kind"]] == manifest["apiVersion"]
            assert {"apiVersion", "kind", "metadata", "spec"} == {*manifest}
        else:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("block", GITLAB, ids=str)
def test_workflows_of_gitlab_are_valid(block, tmp_path):
    """A pipeline for GitLab follows GitLab's schema."""
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(block.text, encoding="utf-8")

    subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema=vendor.gitlab-ci",
            "--data-transform=gitlab-ci",
            file,
        ],
        check=True,
    )


@pytest.mark.parametrize("block", KEDRO, ids=str)
def test_files_of_kedro_are_read(block, tmp_path):
    """A file of the project's configuration is one that Kedro's own loader reads."""
    from kedro.config import OmegaConfigLoader

    file = tmp_path / block.caption.removeprefix("conf/")
    file.parent.mkdir()
    (tmp_path / "local").mkdir()
    file.write_text(block.text, encoding="utf-8")
    loader = OmegaConfigLoader(
        str(tmp_path), base_env="base", default_run_env="local", config_patterns={"mlflow": ["mlflow*"]}
    )

    found = [each for each in ("catalog", "parameters", "credentials", "mlflow") if file.name.startswith(each)]

    assert loader[found[0]]


# tests/airflow runs generated files as a whole, with an Airflow, and test_architecture.py the examples.
PYTHON = [block for block in of("python") if not {"golden", "example"} & {*block.marks}]


@pytest.mark.parametrize("page", sorted({block.page for block in PYTHON}))
def test_python_runs(page):
    """A page's Python is run from top to bottom; MLflow's is only compiled, as `tests/mlflow` runs it with MLflow."""
    names = {}
    for block in PYTHON:
        if block.page == page:
            code = compile(block.text, str(block), "exec")
            if page != "mlflow.md":
                exec(code, names)


@pytest.mark.parametrize("block", of("dockerfile"), ids=str)
def test_lines_of_a_dockerfile_are_instructions(block):
    """Each line of a Dockerfile begins with an instruction."""
    instruction = re.compile(r"(ARG|CMD|COPY|ENTRYPOINT|ENV|FROM|RUN|USER|WORKDIR) \S|#|$")

    assert [] == [line for line in block.text.splitlines() if not instruction.match(line)]


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_settings_are_read(block):
    """A part of Airflow's configuration has sections and keys."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(block.text)

    assert parser.sections()
