"""What the sandbox's file lacks of what the pipeline names is said before anything waits for it."""

import pytest

from kedro_airflow_k8s.config import load, load_sandbox
from kedro_airflow_k8s.sandbox.lacking import lacking

FILE = "conf/local/airflow-k8s-sandbox.yaml"


def found(run, sandbox, *, tracked=False):
    run = {"image": "demo:1", "namespace": "airflow", "experiment_name": "Demo", **run}
    return lacking(load({"run_config": run}, ["file"]), load_sandbox(sandbox, ["file"]), tracked=tracked)


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ({"secret": "all"}, "no secret 'all'"),
        ({"secret": "files", "deploy_type": "volume", "deploy_target": "/x"}, "no secret 'files'"),
        ({"secret": "database", "key": "user", "deploy_target": "U"}, "no key 'user' in the secret 'database'"),
    ],
)
def test_a_secret_that_is_missing_is_named(secret, what):
    """A secret, or a key of one, for which pods would wait without a word."""
    (line,) = found({"secrets": [secret], "startup_timeout": 30}, {"secrets": {"database": {"password": "p"}}})

    assert f"{FILE} has {what}, for which each pod will wait until it fails after 30 s" == line


@pytest.mark.parametrize("key", ["variables_params", "env_vars"])
def test_a_variable_that_is_missing_is_named(key):
    """A Variable of Airflow that the tasks read when they start."""
    lines = found({key: ["THERE", "AWAY"]}, {"variables": {"THERE": "1"}})

    assert (f"{FILE} has no variable 'AWAY', without which each task that starts a pod will fail",) == lines


def test_what_is_missing_twice_is_named_once():
    """Several keys of a secret that is not there are one thing to add, and so is a Variable that has two uses."""
    secrets = [{"secret": "database", "key": key, "deploy_target": key} for key in ("a", "b")]

    assert 2 == len(found({"secrets": secrets, "variables_params": ["v"], "env_vars": ["v"]}, {}))


def test_nothing_is_said_of_what_is_there():
    """A file that has it all is no reason for a warning; what else it has is its own matter."""
    run = {"secrets": [{"secret": "s"}, {"secret": "s", "key": "k", "deploy_target": "K"}], "env_vars": ["V"]}

    assert () == found(run, {"secrets": {"s": {"k": "1"}, "other": {}}, "variables": {"V": ""}})


def test_a_variable_by_which_mlflow_would_be_logged_in_to_is_named():
    """Of the sandbox's Airflow, which has no Connections; where no MLflow run is started, nobody logs in."""
    run = {"authentication": {"type": "Vars", "params": ["MLFLOW_TRACKING_TOKEN"]}}
    line = f"{FILE} has no variable 'MLFLOW_TRACKING_TOKEN', without which start_mlflow_run cannot log in"

    assert (line,) == found(run, {}, tracked=True)
    assert () == found(run, {"variables": {"MLFLOW_TRACKING_TOKEN": "t"}}, tracked=True)
    assert () == found(run, {})


def test_a_storage_class_and_a_namespace():
    """A class that the sandbox's cluster lacks is told before a run waits for its volume, and so is a namespace."""
    cluster = {"storage_classes": {"nfs": None}, "namespaces": ["other"]}

    told = found({"volume": {"storageclass": "gp3"}}, {"cluster": cluster})

    assert told == (
        f"{FILE} has no storage class 'gp3', so that the volume of a run will never be bound; "
        "give it under cluster.storage_classes, with its access modes or empty",
        f"{FILE} has no namespace 'airflow' in cluster.namespaces, without which no pod can be created",
    )
    assert () == found({"volume": {"storageclass": "nfs"}}, {"cluster": {"storage_classes": {"nfs": None}}})
