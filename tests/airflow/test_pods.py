"""What the operators ask Kubernetes for, after Airflow's own rendering."""

import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from tests.airflow.conftest import GOLDEN, dag_of, load

RUN = "manual__2026-01-01T00:00:00+00:00"


def rendered(dag, task_id, run_id=RUN, **others):
    """Return the task as it is when it is executed in that run: its templates rendered by Airflow."""
    task = dag.get_task(task_id).prepare_for_execution()
    context = {"dag": dag, "run_id": run_id, "macros": SimpleNamespace(uuid=uuid), **others}
    task.render_template_fields(context, dag.get_template_env())
    return task


def test_the_pod_of_a_node(spaceflights):
    """A node's pod is the common one with its own arguments, labels and resources."""
    pod = rendered(spaceflights, "train-model").pod_template_dict

    claim = pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert pod == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "airflow",
            "labels": {
                "kedro-airflow-k8s/project": "Spaceflights",
                "kedro-airflow-k8s/pipeline": "default",
                "kedro-airflow-k8s/node": "train_model",
                "team": "pricing",
                "kedro-airflow-k8s/dag": "spaceflights",
                "kedro-airflow-k8s/run": claim.removeprefix("spaceflights-"),
            },
            "annotations": {"kedro-airflow-k8s/resources": "large"},
        },
        "spec": {
            "shareProcessNamespace": True,
            "securityContext": {"fsGroup": 0},
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
            "containers": [
                {
                    "name": "base",
                    "image": "registry.example.com/spaceflights:latest",
                    "imagePullPolicy": "IfNotPresent",
                    "workingDir": "/home/kedro_docker",
                    "args": ["kedro", "run", "--env=local", "--nodes=train_model"],
                    "resources": {
                        "requests": {"cpu": "500m", "memory": "512Mi"},
                        "limits": {"memory": "2Gi"},
                    },
                    "volumeMounts": [{"name": "data", "mountPath": "/home/kedro_docker/data"}],
                }
            ],
        },
    }


def test_the_pod_that_kubernetes_is_asked_for(spaceflights):
    """The provider adds its own to our pod and loses nothing of it."""
    task = rendered(spaceflights, "train-model")
    task.hook = SimpleNamespace(is_in_cluster=False)

    pod = task.build_pod_request_obj()

    (container,) = pod.spec.containers
    assert re.fullmatch(r"train-model-[a-z0-9]{8}", pod.metadata.name)
    assert (pod.metadata.namespace, pod.metadata.labels["kedro-airflow-k8s/node"]) == ("airflow", "train_model")
    assert (container.name, container.command, container.working_dir) == ("base", [], "/home/kedro_docker")
    assert container.args == ["kedro", "run", "--env=local", "--nodes=train_model"]
    assert (container.resources.requests, container.resources.limits) == (
        {"cpu": "500m", "memory": "512Mi"},
        {"memory": "2Gi"},
    )
    assert (pod.spec.restart_policy, pod.spec.security_context.fs_group) == ("Never", 0)


@pytest.mark.parametrize("run_id", [RUN, "asset_triggered__2026-01-01T00:00:00.5+00:00_AbC123", "kedro__x"])
def test_one_claim_for_all_tasks_of_a_run(spaceflights, run_id):
    """Its name is a DNS-1123 name of at most 63 characters, the same in every task and retry of the run."""
    create = rendered(spaceflights, "create_pipeline_storage", run_id).claim["metadata"]["name"]
    delete = rendered(spaceflights, "delete_pipeline_storage", run_id).claim["metadata"]["name"]
    (volume,) = rendered(spaceflights, "split-data", run_id).pod_template_dict["spec"]["volumes"]

    assert [create] * 2 == [delete, volume["persistentVolumeClaim"]["claimName"]]
    assert re.fullmatch(r"spaceflights-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", create)


def test_runs_have_different_claims(spaceflights):
    """Two runs never share a volume."""
    names = {rendered(spaceflights, "create_pipeline_storage", run).claim["metadata"]["name"] for run in ("a", "b")}

    assert len(names) == 2


def test_the_volume_is_filled_by_a_script_of_its_own(spaceflights):
    """The volume is mounted beside the image's data folder, which is copied into it."""
    (container,) = rendered(spaceflights, "data_volume_init").pod_template_dict["spec"]["containers"]

    assert container["command"][:2] == ["sh", "-c"]
    assert container["volumeMounts"] == [{"name": "data", "mountPath": "/home/kedro_docker/data_volume"}]
    assert container["image"] == "registry.example.com/spaceflights:latest"


WHEN = datetime(2026, 3, 2, 3, 15, tzinfo=timezone.utc)
DATED = {
    "logical_date": WHEN,
    "ds": "2026-03-02",
    "dag_run": SimpleNamespace(run_type="scheduled"),
    "var": {"value": SimpleNamespace(get=lambda name, default: {"API_HOST": "a$b", "threshold": "0,5"}.get(name))},
    "ti": SimpleNamespace(xcom_pull=lambda task_ids: f"result of {task_ids}"),
}


def test_everything_that_a_pod_can_have():
    """Macros, Variables, secrets and user's text, all rendered, nothing of the user's text taken for a template."""
    pod = rendered(dag_of(GOLDEN / "everything.py"), "one", **DATED).pod_template_dict

    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example.com/demo:1"
    assert container["args"] == [
        "kedro",
        "run",
        "--env=local",
        '--params=ds="2026-03-02",prev_ds="2026-02-27",threshold="0\\x2c5"',
        "--nodes=one",
    ]
    assert container["env"] == [
        {"name": "API_HOST", "value": "a$$b"},
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "pass.word"}}},
        {"name": "MLFLOW_TRACKING_URI", "value": "http://mlflow.tracking.svc:5000/prefix"},
        {"name": "MLFLOW_RUN_ID", "value": "result of start_mlflow_run"},
    ]
    assert container["envFrom"] == [{"secretRef": {"name": "everything"}}]
    assert pod["metadata"]["annotations"]["note"] == "{{ not }} a template"
    assert pod["spec"]["tolerations"] == [
        {"key": "gpu", "operator": "Equal", "value": "true", "effect": "NoExecute", "tolerationSeconds": 30}
    ]


def test_a_macro_without_a_value_fails_before_the_first_pod():
    """A run without a logical date fails while the first task that starts a pod is rendered."""
    dag = dag_of(GOLDEN / "everything.py")

    with pytest.raises(ValueError, match=f"The macro ds of run_config.macro_params has no value: run {RUN[:8]}"):
        rendered(dag, "one", **{**DATED, "logical_date": None, "ds": None})


@pytest.mark.parametrize("name", ["日本語の前処理", "_", "...", "a b", "x" * 80])
def test_the_label_of_a_node_is_one_that_kubernetes_takes(name):
    """Whatever the node is called, and however little of it is ASCII."""
    module, _ = load(GOLDEN / "Minimal.py")
    common = dag_of(GOLDEN / "Minimal.py").get_task("one").pod_template_dict
    operator = module.NodePodOperator(task_id="x", pod=common, nodes=[name])

    label = operator.pod_template_dict["metadata"]["labels"]["kedro-airflow-k8s/node"]
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", label)


def test_a_sensor_is_not_deferred():
    """Where sensors and pods are by default: the time limit of a deferred one means nothing before Airflow 3.2."""
    look = """
from tests.airflow.conftest import GOLDEN, dag_of
dag = dag_of(GOLDEN / "everything.py")
print([dag.get_task(name).deferrable for name in ("one", "wait_for_raw-data", "wait_for_features_publish")])
"""
    environment = {**os.environ, "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True"}
    done = subprocess.run([sys.executable, "-c", look], env=environment, check=True, capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "[True, False, False]"


def test_a_sensor_needs_a_logical_date():
    """Without one there is no run of the other DAG to look for, and waiting would last until the time limit."""
    sensor = dag_of(GOLDEN / "everything.py").get_task("wait_for_raw-data")

    with pytest.raises(RuntimeError, match="This run has no logical date, by which to find a run of raw-data"):
        sensor.execute({"logical_date": None})
