"""The whole expected DAG files. `pytest tests/unit --write-golden` writes them anew; then read what changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spaceflights import copy

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden"

MINIMAL = """
run_config:
  image: registry.example.com/demo:1
  namespace: airflow
  experiment_name: Minimal
  start_date: 20260101
  volume: {disabled: true}
"""

TRACKED = """
run_config:
  image: registry.example.com/demo:1
  namespace: airflow
  experiment_name: Tracked
  start_date: 20260101
  volume: {disabled: true}
  mlflow: {enabled: true, tracking_uri: "https://mlflow.example.com/"}
  authentication: {type: GoogleOAuth2}
"""

EVERYTHING = r"""
host: http://127.0.0.1:8080/prefix/
output: dags
run_config:
  image: "registry.example.com/demo:1"
  image_pull_policy: Always
  startup_time: 120
  namespace: data-science
  experiment_name: All of it, "quoted" & {{ templated }}
  run_name: everything
  cron_expression: "15 3 * * 1-5"
  start_date: 2026-01-01
  catchup: true
  description: "It's \"nightly\" \\ {% raw %}\nand 100 % done 😀"
  image_pull_secrets: one, two
  service_account_name: runner
  project_path: /app/project
  volume:
    storageclass: fast
    size: 20Gi
    access_modes: [ReadWriteMany]
    owner: 1000
    skip_init: true
    keep_on_failure: true
  secrets:
    - {secret: database, key: pass.word, deploy_target: DB_PASSWORD}
    - {secret: everything}
    - {secret: certificates, deploy_type: volume, deploy_target: /app/project/certificates, key: ca.pem}
  macro_params: [ds, prev_ds]
  variables_params: [threshold]
  env_vars: [API_HOST]
  external_dependencies:
    - dag_id: raw-data
    - {dag_id: features, task_id: publish, timeout: 30, check_existence: false, execution_delta: 90}
  mlflow:
    enabled: true
    tracking_uri: http://mlflow.tracking.svc:5000/prefix
  authentication:
    type: Vars
    params: [MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD]
  resources:
    __default__:
      node_selectors: {kubernetes.io/arch: amd64}
      labels: {team: tables, audited: true}
      annotations: {sidecar.istio.io/inject: false, note: "{{ not }} a template"}
      tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]
      requests: {cpu: 0.5, memory: 256Mi}
      limits: {memory: 1Gi}
    large:
      tolerations: [{key: gpu, operator: Equal, value: "true", effect: NoExecute, tolerationSeconds: 30}]
      labels: {team: vision}
      requests: {memory: 64Gi, ephemeral-storage: 10Gi}
      limits: {memory: 96Gi, nvidia.com/gpu: 1}
"""


def check(file: Path, write: bool) -> None:
    golden = GOLDEN / file.name
    if write:
        shutil.copyfile(file, golden)

    assert golden.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "config"), [("Minimal", MINIMAL), ("Tracked", TRACKED), ("everything", EVERYTHING)])
def test_small_projects(kedro_project, tmp_path, write_golden, name, config):
    """A project with two nodes, with the fewest and with all keys of the configuration."""
    result = kedro_project(config=config).run("compile", "-t", str(tmp_path))

    assert 0 == result.exit_code, result.output
    check(tmp_path / f"{name}.py", write_golden)


def test_spaceflights(tmp_path, write_golden):
    """The real project, by the real command; the bytes depend neither on the hash seed nor on the day."""
    project = copy(tmp_path)
    for seed in ("1", "2", "3"):
        subprocess.run(
            [sys.executable, "-m", "kedro", "airflow-k8s", "compile", "-t", tmp_path / seed],
            cwd=project,
            env={**os.environ, "PYTHONHASHSEED": seed, "DO_NOT_TRACK": "1", "GIT_CEILING_DIRECTORIES": str(tmp_path)},
            check=True,
        )
        check(tmp_path / seed / "spaceflights.py", write_golden)


def test_golden_files_are_formatted():
    """The generated code is what a formatter would make of it, and has no unused import or name."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--line-length=120"]
    files = sorted(GOLDEN.glob("*.py"))

    subprocess.run([*ruff, "format", *settings, "--diff", *files], check=True)
    subprocess.run(
        [
            *ruff,
            "check",
            *settings,
            "--select=E,F,W,B,UP,PIE,C4",
            "--ignore=B018,E501",
            "--target-version=py39",
            *files,
        ],
        check=True,
    )
