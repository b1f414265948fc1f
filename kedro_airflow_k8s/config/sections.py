"""The sections of `airflow-k8s.yaml`; the text below each key is its line in the reference."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from kedro_airflow_k8s.config.intermediate import IntermediateData
from kedro_airflow_k8s.config.kubernetes import (
    AccessModes,
    DnsLabel,
    DnsName,
    EnvNames,
    Image,
    PullSecrets,
    Size,
    balance,
)
from kedro_airflow_k8s.config.macros import Macros
from kedro_airflow_k8s.config.mlflow import Authentication, MLflow, NullAuthentication
from kedro_airflow_k8s.config.resources import Resources
from kedro_airflow_k8s.config.schedule import Cron, Date
from kedro_airflow_k8s.config.secrets import SecretFiles, Secrets, SecretVariable
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import (
    Address,
    AirflowId,
    AnyText,
    Group,
    ImagePath,
    Minutes,
    Seconds,
    TagName,
    Text,
    Variables,
    Wrong,
)


def _none_if_empty(given: Any) -> Any:
    # What only some commands need often comes from the environment, which may not have it.
    return None if given == "" else given


class Volume(Section):
    """The volume that all tasks of one run share, mounted at the project's `data` folder."""

    disabled: bool = False
    """Run without a shared volume; the other keys of this section are then ignored."""
    storageclass: DnsName | None = None
    """Storage class of the volume; none means the cluster's default."""
    size: Size = "1Gi"
    """Size of the volume."""
    access_modes: AccessModes = ("ReadWriteOnce",)
    """Access modes of the volume: `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`, `ReadWriteOncePod`."""
    skip_init: bool = False
    """Leave the volume empty instead of copying the image's data into it."""
    owner: Group = 0
    """Group that owns the volume's files (`fsGroup` of the pods)."""
    keep_on_failure: bool = False
    """Keep the volume of a failed run, so that its failed task can be cleared and run again."""


class Kubernetes(Section):
    """How Airflow reaches the cluster in which the pods run."""

    conn_id: Text = "kubernetes_default"
    """Airflow connection to the cluster."""
    config_file: Text | None = None
    """Path of a kubeconfig file on Airflow's workers."""
    in_cluster: bool | None = None
    """Whether Airflow runs in that cluster and logs in as its own pod; none means as the connection says."""
    cluster_context: Text | None = None
    """Context of the kubeconfig file."""


class ExternalDependency(Section):
    """A DAG, or a task of it, that must have succeeded for the same logical date before the pipeline starts."""

    dag_id: AirflowId
    """The DAG to wait for."""
    task_id: AirflowId | None = None
    """The task of it to wait for; none means the whole DAG."""
    timeout: Minutes = Field(1440, gt=0)
    """Minutes to wait at most."""
    check_existence: bool = True
    """Fail at once if Airflow has no such DAG."""
    execution_delta: Minutes = 0
    """By how many minutes the other run's logical date is earlier."""


class RunConfig(Section):
    """How the pipeline runs."""

    image: Image | None = None
    """Image that the tasks run; required unless given as `--image`."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When the image is pulled: `IfNotPresent`, `Always` or `Never`."""
    startup_timeout: Seconds = Field(600, gt=0, validation_alias=AliasChoices("startup_timeout", "startup_time"))
    """Seconds until a pod must have started; may also be spelt `startup_time`."""
    namespace: DnsLabel | None
    """Kubernetes namespace of the pods and of the volume; null for the one that Airflow's connection names, or else
    the one that Airflow itself runs in."""
    kubernetes: Kubernetes = Kubernetes()
    """Access to the cluster."""
    experiment_name: Text
    """Name of the pipeline in `list-pipelines`, and of the MLflow experiment where there is no kedro-mlflow."""
    run_name: Text | None = None
    """Id of the DAG, and the name of its file; `experiment_name` if there is none."""
    cron_expression: Cron | None = "@daily"
    """Schedule: a cron expression, a preset such as `@daily`, or null."""
    start_date: Date = None
    """Date of the first run, `YYYYMMDD`; if there is none, two days before the commit, outside git before today."""
    catchup: bool = False
    """Run also what was due between the start date and now."""
    description: AnyText | None = None
    """Description of the DAG in Airflow."""
    image_pull_secrets: PullSecrets = None
    """Secrets to pull the image with: a list, or text with commas."""
    service_account_name: DnsName | None = None
    """Service account of the pods."""
    volume: Volume = Volume()
    """The run's shared volume."""
    intermediate_data: IntermediateData = IntermediateData()
    """Data that passes between tasks and is not in the catalog."""
    project_path: ImagePath | None = None
    """Folder of the project in the image; if there is none, the last `WORKDIR` of the project's Dockerfile, else
    `/home/kedro_docker`. The volume is mounted at its `data` folder."""
    secrets: Secrets = ()
    """Kubernetes secrets that the nodes get."""
    macro_params: Macros = ()
    """Airflow macros that become parameters of Kedro of the same names, as text."""
    variables_params: Variables = ()
    """Airflow Variables that become parameters of Kedro of the same names, as text."""
    env_vars: EnvNames = ()
    """Airflow Variables that become environment variables of the nodes."""
    external_dependencies: tuple[ExternalDependency, ...] = ()
    """DAGs to wait for; a DAG that is not scheduled waits for none."""
    mlflow: MLflow = MLflow()
    """The MLflow run of each run of the DAG."""
    authentication: Authentication = NullAuthentication()
    """How Airflow logs in to MLflow to start its run."""
    resources: dict[TagName, Resources] = Field(default={})
    """Resources by name: a node tagged `resources.<name>` gets that entry, any other node `__default__`. An entry has
    from `__default__` what it does not say itself."""

    _image_may_be_empty = field_validator("image", mode="before")(_none_if_empty)

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> RunConfig:
        secrets: tuple[Any, ...] = self.secrets
        variables = [secret.name for secret in secrets if isinstance(secret, SecretVariable)]
        folders = [f"{each.folder}/{each.key or ''}" for each in secrets if isinstance(each, SecretFiles)]
        places = {
            "variables_params": ("macro_params", [*self.macro_params, *self.variables_params]),
            "env_vars": ("secrets", [*self.env_vars, *variables]),
            "secrets": ("", [posixpath.normpath(path) for path in folders]),
            "external_dependencies": (
                "",
                [f"{entry.dag_id} {entry.task_id or ''}".strip() for entry in self.external_dependencies],
            ),
        }
        wrong = {}
        for key, (also, names) in places.items():
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                together = f", together with {also}" if also else ""
                wrong[key] = f"named more than once{together}: {', '.join(twice)}"
        if wrong:
            raise Wrong(wrong)
        return self

    @model_validator(mode="after")
    def _asks_for_no_more_than_the_limit(self) -> RunConfig:
        default = self.resources.get("__default__", Resources())
        wrong = {
            f"resources.{name}.{key}": text
            for name, entry in self.resources.items()
            for key, text in balance({**default.requests, **entry.requests}, {**default.limits, **entry.limits}).items()
        }
        if wrong:
            raise Wrong(wrong)
        return self


class PluginConfig(Section):
    """The whole of `airflow-k8s.yaml`."""

    host: Address | None = None
    """Airflow's base address; required by the commands that call Airflow."""
    output: Text | None = None
    """Where Airflow reads DAGs: a folder, `gs://`, `s3://` or another fsspec URL; required by the commands that
    upload."""
    run_config: RunConfig
    """How the pipeline runs."""

    _may_be_empty = field_validator("host", "output", mode="before")(_none_if_empty)
