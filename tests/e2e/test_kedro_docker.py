"""A project whose image is what kedro-docker's own template makes of it, and variables that only some pods have."""

import importlib.util
import json
import shutil
from pathlib import Path

from tests.e2e.conftest import kedro, write

# Data and credentials do not come with the image: a node fetches the first, a secret holds the others.
PIPELINE = """
from kedro.pipeline import node, pipeline


def fetch():
    return {"rows": [1, 2, 3]}


def report(raw, parameters):
    return {**raw, **parameters}


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(fetch, None, "raw", name="fetch"),
            node(report, ["raw", "parameters"], "seen", name="report"),
        ]
    )
"""

DATASETS = """
import json
from pathlib import Path

from kedro.io import AbstractDataset


class Seen(AbstractDataset):
    def __init__(self, filepath, credentials):
        self.filepath, self.credentials = Path(filepath), credentials

    def _load(self):
        raise NotImplementedError

    def _save(self, data):
        found = {**data, "credentials": self.credentials, "files": sorted(map(str, Path("conf").glob("*/*.yml")))}
        self.filepath.parent.mkdir(parents=True, exist_ok=True)
        self.filepath.write_text(json.dumps({**found, "data": sorted(map(str, Path("data").rglob("*.*")))}))

    def _describe(self):
        return {}
"""

CATALOG = """
raw: {type: json.JSONDataset, filepath: data/01_raw/raw.json}
seen: {type: spaceflights.datasets.Seen, filepath: "data/08_reporting/${commit_id|dirty}.json", credentials: service}
"""

PARAMETERS = """
commit: ${commit_id|dirty}
branch: ${branch_name|unknown}
"""

CONFIG = """
run_config:
  image: registry.example.com/shop:${branch_name|unknown}
  namespace: airflow
  experiment_name: Shop
  env_vars: [KEDRO_CONFIG_COMMIT_ID]
  secrets:
    - {secret: credentials, key: credentials.yml, deploy_type: volume, deploy_target: /home/kedro_docker/conf/local}
"""

# The sandbox's own file is configuration too: what the pod shall resolve is escaped here.
SANDBOX = r"""
variables: {KEDRO_CONFIG_COMMIT_ID: "00123"}
secrets:
  credentials:
    credentials.yml: |
      service: {token: hidden, commit: "\${commit_id|dirty}"}
"""


def test_the_image_of_kedro_docker_runs_a_pipeline(spaceflights):
    """Neither data, credentials nor the variables of this machine are in a pod, but what its configuration gives it."""
    template = Path(importlib.util.find_spec("kedro_docker").origin).with_name("template")
    shutil.copyfile(template / "Dockerfile.simple", spaceflights / "Dockerfile")
    shutil.copyfile(template / ".dockerignore", spaceflights / ".dockerignore")
    shutil.rmtree(spaceflights / "src/spaceflights/pipelines/data_processing")
    shutil.rmtree(spaceflights / "src/spaceflights/pipelines/data_science")
    for name in spaceflights.glob("conf/base/*"):
        name.unlink()
    write(spaceflights, "src/spaceflights/pipelines/shop/__init__.py", PIPELINE)
    write(spaceflights, "src/spaceflights/datasets.py", DATASETS)
    write(spaceflights, "conf/base/catalog.yml", CATALOG)
    write(spaceflights, "conf/base/parameters.yml", PARAMETERS)
    write(spaceflights, "conf/base/airflow-k8s.yaml", CONFIG)
    write(spaceflights, "conf/local/airflow-k8s-sandbox.yaml", SANDBOX)

    result = kedro(spaceflights, "airflow-k8s", "sandbox", KEDRO_CONFIG_BRANCH_NAME="of-this-machine")

    assert result.returncode == 0, result.stdout + result.stderr
    (kept,) = (line for line in result.stderr.splitlines() if line.startswith("What the run left in its volume"))
    seen = Path(kept.partition(" is in ")[2]) / "08_reporting/00123.json"
    assert json.loads(seen.read_text(encoding="utf-8")) == {
        "rows": [1, 2, 3],
        "commit": "00123",
        "branch": "unknown",
        "credentials": {"token": "hidden", "commit": "00123"},
        "files": ["conf/base/catalog.yml", "conf/base/parameters.yml", "conf/local/credentials.yml"],
        "data": ["data/01_raw/raw.json"],
    }
