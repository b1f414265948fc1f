"""The pods and claims that the operators ask Kubernetes for, after Airflow's own rendering."""

from types import SimpleNamespace

import pytest


def rendered(dag, task_id, run_id="manual__2026-01-01T00:00:00+00:00"):
    """Return the task with its templates rendered, as before it is executed in that run."""
    from airflow.sdk import __version__  # noqa: F401

    raise NotImplementedError


@pytest.fixture
def render():
    """Return a function that renders a task's templates for a run."""
    import uuid

    def make(dag, task_id, run_id="manual__2026-01-01T00:00:00+00:00"):
        task = dag.get_task(task_id)
        macros = SimpleNamespace(uuid=uuid)
        task.render_template_fields({"dag": dag, "run_id": run_id, "macros": macros}, dag.get_template_env())
        return task

    return make


def test_the_pod_of_a_node(spaceflights, render, monkeypatch):
    """A node's pod is the common one with its own command, labels and resources."""
    task = render(spaceflights, "train-model")
    claim = "spaceflights-fbdb5af7-7d60-5b39-8d1c-6e7e3f9f7d0b"
    pod = task.pod_template_dict

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
            },
        },
        "spec": {
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
