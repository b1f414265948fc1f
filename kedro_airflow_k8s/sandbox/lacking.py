"""What a pipeline wants of the cluster and of Airflow, and the sandbox's file does not give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kedro_airflow_k8s.config import PluginConfig, SandboxConfig
from kedro_airflow_k8s.config.mlflow import VarsAuthentication
from kedro_airflow_k8s.config.secrets import SecretVariables
from kedro_airflow_k8s.sandbox.cluster.settings import STANDARD

FILE = "conf/local/airflow-k8s-sandbox.yaml"


def lacking(config: PluginConfig, sandbox: SandboxConfig, *, tracked: bool) -> tuple[str, ...]:
    """Return a line for each object that `run_config` names and the sandbox will not have.

    These are storage classes, namespaces, secrets, keys of secrets and Variables. `tracked` tells whether the DAG
    starts an MLflow run.
    """
    login = _login(config, sandbox) if tracked else ()
    cluster = (*_cluster(config, sandbox), *_secrets(config, sandbox))
    return tuple(dict.fromkeys([*cluster, *_variables(config, sandbox), *login]))


def _cluster(config: PluginConfig, sandbox: SandboxConfig) -> Iterator[str]:
    run, cluster = config.run_config, sandbox.cluster
    name = None if run.volume.disabled else run.volume.storageclass
    if name not in (None, STANDARD, *cluster.storage_classes):
        yield (
            f"{FILE} has no storage class {name!r}, so that the volume of a run will never be bound; "
            "give it under cluster.storage_classes, with its access modes or empty"
        )
    if cluster.namespaces is not None and run.namespace not in cluster.namespaces:
        yield f"{FILE} has no namespace {run.namespace!r} in cluster.namespaces, without which no pod can be created"


def _secrets(config: PluginConfig, sandbox: SandboxConfig) -> Iterator[str]:
    run = config.run_config
    secrets: tuple[Any, ...] = run.secrets
    for secret in secrets:
        key = None if isinstance(secret, SecretVariables) else secret.key
        keys = sandbox.secrets.get(secret.secret)
        if keys is None:
            what = f"no secret {secret.secret!r}"
        elif key is not None and key not in keys:
            what = f"no key {key!r} in the secret {secret.secret!r}"
        else:
            continue
        yield f"{FILE} has {what}, for which each pod will wait until it fails after {run.startup_timeout} s"


def _variables(config: PluginConfig, sandbox: SandboxConfig) -> Iterator[str]:
    run = config.run_config
    for name in (*run.variables_params, *run.env_vars):
        if name not in sandbox.variables:
            yield f"{FILE} has no variable {name!r}, without which each task that starts a pod will fail"


def _login(config: PluginConfig, sandbox: SandboxConfig) -> Iterator[str]:
    authentication = config.run_config.authentication
    for name in authentication.params if isinstance(authentication, VarsAuthentication) else ():
        if name not in sandbox.variables:
            yield f"{FILE} has no variable {name!r}, without which start_mlflow_run cannot log in"
