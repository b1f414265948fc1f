"""What the documentation shows is what the code does."""

import re
import runpy
import subprocess
from pathlib import Path

import yaml

from kedro_airflow_k8s.config import load, load_sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_reference_is_current():
    """docs/configuration.md is what docs/generate.py writes, and every key of the model is in it."""
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["configuration"]()

    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == generated


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
