"""The sections of `airflow-k8s.yaml`; the text below each key is its line in the reference."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from kedro_airflow_k8s.config.values import (
    AccessModes,
    Address,
    AnyText,
    Cron,
    Date,
    ImagePath,
    Macros,
    Names,
    Text,
    TextMap,
    Variables,
)


class Section(BaseModel):
    """A mapping of the file: frozen, and with no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Toleration(Section):
    """A taint that the node's pod tolerates, in Kubernetes' own words."""

    key: Text | None = None
    """The taint's key; none with `Exists` tolerates every taint."""
    operator: Literal["Equal", "Exists"] | None = None
    """How `value` is compared."""
    value: AnyText | None = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; none means every effect."""
    tolerationSeconds: int | None = None  # noqa: N815 - as Kubernetes spells it
    """For how many seconds a `NoExecute` taint is tolerated."""


class Resources(Section):
    """What a node's pod asks of the cluster, and where it may run."""

    node_selectors: TextMap = {}
    """Labels of the machines that the pod may run on."""
    labels: TextMap = {}
    """Labels of the pod."""
    annotations: TextMap = {}
    """Annotations of the pod."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the pod tolerates."""
    requests: TextMap = {}
    """What the pod is guaranteed: `cpu`, `memory`, `ephemeral-storage`, or any other resource of the cluster."""
    limits: TextMap = {}
    """What the pod may use at most, by the same names."""


class Volume(Section):
    """The volume that all tasks of one run share, mounted at the project's `data` folder."""

    disabled: bool = False
    """Run without a shared volume; the other keys of this section are then ignored."""
    storageclass: Text | None = None
    """Storage class of the volume; none means the cluster's default."""
    size: Text = "1Gi"
    """Size of the volume."""
    access_modes: AccessModes = ("ReadWriteOnce",)
    """Access modes of the volume: `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`, `ReadWriteOncePod`."""
    skip_init: bool = False
    """Leave the volume empty instead of copying the image's data into it."""
    owner: NonNegativeInt = 0
    """Group that owns the volume's files (`fsGroup` of the pods)."""
    keep_on_failure: bool = False
    """Keep the volume of a failed run, so that its failed task can be cleared and run again."""


class Secret(Section):
    """A Kubernetes secret, or one key of it, that the nodes get."""

    deploy_type: Literal["env", "volume"] = "env"
    """How: as environment variables, or as files."""
    deploy_target: Text | None = None
    """Name of the variable, or folder of the files; none for all keys of a secret as variables of the same names."""
    secret: Text
    """Name of the secret."""
    key: Text | None = None
    """Key of the secret; none means all of its keys."""

    @model_validator(mode="after")
    def _has_a_target(self) -> Secret:
        target = self.deploy_target
        if self.deploy_type == "volume":
            if target is None or not target.startswith("/"):
                raise ValueError(f"deploy_target: should be an absolute path for deploy_type 'volume', got {target!r}")
        elif self.key is None and target is not None:
            raise ValueError("deploy_target: should be absent without a key; the variables are named as the keys are")
        elif self.key is not None and not re.fullmatch(r"[A-Za-z_.-][\w.-]*", target or "", re.ASCII):
            raise ValueError(f"deploy_target: should be the name of an environment variable, got {target!r}")
        return self


class ExternalDependency(Section):
    """A DAG, or a task of it, that must have succeeded for the same logical date before the pipeline starts."""

    dag_id: Text
    """The DAG to wait for."""
    task_id: Text | None = None
    """The task of it to wait for; none means the whole DAG."""
    timeout: PositiveInt = 1440
    """Minutes to wait at most."""
    check_existence: bool = True
    """Fail at once if Airflow has no such DAG."""
    execution_delta: NonNegativeInt = 0
    """By how many minutes the other run's logical date is earlier."""


class RunConfig(Section):
    """How the pipeline runs."""

    image: Text | None = None
    """Image that the tasks run; required unless given as `--image`."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When the image is pulled: `IfNotPresent`, `Always` or `Never`."""
    startup_timeout: PositiveInt = Field(600, validation_alias=AliasChoices("startup_timeout", "startup_time"))
    """Seconds until a pod must have started; may also be spelt `startup_time`."""
    namespace: Text
    """Kubernetes namespace of the pods and of the volume."""
    experiment_name: Text
    """Name of the pipeline in `list-pipelines`."""
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
    image_pull_secrets: Names = None
    """Secrets to pull the image with: a list, or text with commas."""
    service_account_name: Text | None = None
    """Service account of the pods."""
    volume: Volume = Volume()
    """The run's shared volume."""
    project_path: ImagePath | None = None
    """Folder of the project in the image; if there is none, the last `WORKDIR` of the project's Dockerfile, else
    `/home/kedro_docker`. The volume is mounted at its `data` folder."""
    secrets: tuple[Secret, ...] = ()
    """Kubernetes secrets that the nodes get."""
    macro_params: Macros = ()
    """Airflow macros that become parameters of Kedro of the same names, as text."""
    variables_params: Variables = ()
    """Airflow Variables that become parameters of Kedro of the same names, as text."""
    env_vars: Variables = ()
    """Airflow Variables that become environment variables of the nodes."""
    external_dependencies: tuple[ExternalDependency, ...] = ()
    """DAGs to wait for; a DAG that is not scheduled waits for none."""
    resources: dict[Text, Resources] = {}
    """Resources by name: a node tagged `resources.<name>` gets that entry, any other node `__default__`. An entry has
    from `__default__` what it does not say itself."""

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> RunConfig:
        targets: dict[str, list[str]] = {"env": [*self.env_vars], "volume": []}
        for secret in self.secrets:
            targets[secret.deploy_type] += [secret.deploy_target] if secret.deploy_target else []
        places = {
            "macro_params and variables_params": [*self.macro_params, *self.variables_params],
            "secrets and env_vars": targets["env"],
            "secrets": targets["volume"],
            "external_dependencies": [f"{entry.dag_id} {entry.task_id or ''}" for entry in self.external_dependencies],
        }
        for what, names in places.items():
            twice = sorted({name.strip() for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: named more than once: {', '.join(twice)}")
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


class SandboxConfig(Section):
    """The whole of `conf/local/airflow-k8s-sandbox.yaml`."""

    secrets: dict[Text, dict[Text, AnyText]] = {}
    """Kubernetes secrets: name, key, value."""
    variables: dict[Text, AnyText] = {}
    """Airflow Variables: name, value."""
