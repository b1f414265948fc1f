"""Tiny real Kedro projects, and the plugin's commands run on them in this process."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

_numbers = itertools.count()

CONFIG = """
host: http://127.0.0.1:1
output: {output}
run_config:
  image: registry.example.com/demo:1
  namespace: airflow
  experiment_name: Demo
"""

CATALOG = "clean: {type: pickle.PickleDataset, filepath: data/clean.pkl}\n"

PIPELINES = """
from kedro.pipeline import node, pipeline


def identity(x):
    return x


def register_pipelines():
    one = node(identity, "raw", "clean", name="one", tags=["resources.large"])
    two = node(identity, "clean", "model", name="two")
    return {"__default__": pipeline([one, two]), "first": pipeline([one]), "empty": pipeline([])}
"""


@dataclass(frozen=True)
class KedroProject:
    path: Path
    package: str

    def run(self, *arguments: str) -> Result:
        """Run `kedro airflow-k8s ARGUMENTS` in this process, as Kedro does inside the project."""
        from kedro.framework.startup import bootstrap_project

        from kedro_airflow_k8s.cli import commands

        metadata = bootstrap_project(self.path)
        return CliRunner().invoke(commands, ["airflow-k8s", *arguments], obj=metadata, prog_name="kedro")

    def write(self, name: str, content: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file


@pytest.fixture
def kedro_project(tmp_path, monkeypatch):
    """Return a function that makes a project; each has a package name of its own, as Python imports a name once."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.delenv("KEDRO_ENV", raising=False)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])

    def make(pipelines: str = PIPELINES, config: str | None = None) -> KedroProject:
        import kedro

        project = KedroProject(tmp_path / "project", f"demo_{next(_numbers)}")
        source = f"src/{project.package}"
        project.write(
            "pyproject.toml",
            f'[tool.kedro]\npackage_name = "{project.package}"\nproject_name = "Demo"\n'
            f'kedro_init_version = "{kedro.__version__}"\n',
        )
        project.write(f"{source}/__init__.py", "")
        project.write(f"{source}/settings.py", "")
        project.write(f"{source}/pipeline_registry.py", pipelines)
        project.write("conf/base/catalog.yml", CATALOG)
        project.write("conf/local/.gitkeep", "")
        text = (CONFIG if config is None else config).replace("{output}", str(tmp_path / "airflow"))
        project.write("conf/base/airflow-k8s.yaml", text)
        return project

    return make


@pytest.fixture
def write_golden(request):
    """Tell whether to write the golden files anew."""
    return request.config.getoption("--write-golden")
