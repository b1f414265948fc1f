"""Feature: one MLflow run for each run of the DAG, in which all nodes log."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import Any

from kedro_airflow_k8s.addresses import public
from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.config.mlflow import GoogleOAuth2Authentication, NullAuthentication, VarsAuthentication
from kedro_airflow_k8s.config.secrets import SecretVariable
from kedro_airflow_k8s.config.values import address
from kedro_airflow_k8s.contract import FINISH_MLFLOW_TASK, MLFLOW_RUN_ID, MLFLOW_TRACKING_URI, START_MLFLOW_TASK
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Call, Finding, Fragment, Local, Ref, Rule, TaskSpec
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.text import argument
from kedro_airflow_k8s.project import DEFAULT_PIPELINE, Project, Tracking

OPERATORS = "kedro_airflow_k8s.operators.mlflow"
HANDLERS = "kedro_airflow_k8s.operators.authentication"
OFF = Rule("mlflow-off", "warning")
AT_ODDS = Rule("mlflow-at-odds", "warning")
_WAYS_OUT = "name a server in run_config.mlflow.tracking_uri, or say --no-mlflow"


def mlflow(context: Context) -> Fragment:
    """Start an MLflow run before the nodes, hand it to them, and end it as they did. Raises `PlanError`."""
    project, config = context.project, context.config
    server_address = _address(project, config)
    if server_address is None:
        return Fragment(findings=tuple(Finding(OFF, text) for text in _untracked(project, config)))
    _check_names(config)
    tracking = project.tracking or Tracking(config.run_config.experiment_name)
    server = {"tracking_uri": server_address, **_login(config.run_config.authentication)}
    run_name = {"run_name": tracking.run_name} if tracking.run_name else {}
    options = {key: value for key, value in tracking.experiment_options.items() if not _is_of_one_pod(key, value)}
    start: dict[str, Any] = {
        "mlflow": Local("mlflow"),
        "experiment": tracking.experiment,
        "image": config.run_config.image,
        **({"commit": project.commit.sha} if project.commit else {}),
        **({"experiment_options": options} if options else {}),
        **run_name,
    }
    finish = {"mlflow": Local("mlflow"), **run_name, "trigger_rule": "all_done"}
    return Fragment(
        before=(TaskSpec(START_MLFLOW_TASK, Call(Ref(OPERATORS, "StartMLflowExperimentOperator"), start)),),
        after=(TaskSpec(FINISH_MLFLOW_TASK, Call(Ref(OPERATORS, "FinishMLflowRunOperator"), finish)),),
        locals={"mlflow": Call(Ref(OPERATORS, "MLflowServer"), server)},
        env=(
            {"name": MLFLOW_TRACKING_URI, "value": argument(server_address)},
            {"name": MLFLOW_RUN_ID, "value": f"{{{{ ti.xcom_pull(task_ids={START_MLFLOW_TASK!r}) }}}}"},
        ),
        findings=tuple(Finding(AT_ODDS, text) for text in _doubtful(project, config)),
    )


def _address(project: Project, config: PluginConfig) -> str | None:
    """Return the address of the server, None if MLflow is off. Raises `PlanError` if it is asked for without one."""
    asked, tracking = config.run_config.mlflow, project.tracking
    configured = tracking.tracking_uri if tracking else None
    place = asked.tracking_uri or configured
    if asked.enabled is False:
        return None
    if not asked.enabled and (tracking is None or _skips(tracking, project)):
        return None
    if place is not None and place.lower().startswith(("http://", "https://")):
        try:
            return address(place)
        except ValueError as error:
            raise PlanError(
                f"{_files(tracking)}: server.mlflow_tracking_uri: {error}; see run_config.authentication for a login"
            ) from None
    if asked.enabled:
        found = f"{_files(tracking)} has {public(configured)!r}" if configured else "there is none"
        raise PlanError(f"run_config.mlflow.enabled: MLflow needs the address of a server, and {found}; {_WAYS_OUT}")
    return None


def _check_names(config: PluginConfig) -> None:
    """Refuse what the nodes would have twice, of which they would get ours."""
    run = config.run_config
    secrets: tuple[Any, ...] = run.secrets
    names = {
        "env_vars": run.env_vars,
        "secrets": [each.name for each in secrets if isinstance(each, SecretVariable)],
    }
    for key, given in names.items():
        for name in (each for each in (MLFLOW_TRACKING_URI, MLFLOW_RUN_ID) if each in given):
            raise PlanError(
                f"run_config.{key}: {name} is set for the nodes by the MLflow run of their DAG run; remove it there, or"
                " say --no-mlflow"
            )


def _skips(tracking: Tracking, project: Project) -> bool:
    return (project.selection[0] if project.selection else DEFAULT_PIPELINE) in tracking.skipped_pipelines


def _files(tracking: Tracking | None) -> str:
    return ", ".join(tracking.files) if tracking and tracking.files else "mlflow.yml"


def _untracked(project: Project, config: PluginConfig) -> Iterator[str]:
    """Yield why there is no MLflow run, unless that is as the user wants it."""
    asked, tracking = config.run_config.mlflow, project.tracking
    if asked.enabled is False or (tracking and _skips(tracking, project)):
        return
    if tracking is None:
        if asked.tracking_uri:
            yield (
                "MLflow is off: run_config.mlflow names a server, but kedro-mlflow is not installed here; if it is in"
                " the image, say run_config.mlflow.enabled: true"
            )
        return
    place, cure = tracking.tracking_uri, "name a server in run_config.mlflow.tracking_uri"
    if place:
        reason, cure = f"{_files(tracking)} tracks to {public(place)}, which is no server", "name one there"
    elif tracking.only_local and project.env != "local":
        reason = f"{_files(tracking)} is of another environment than {project.env}"
    else:
        reason = f"{_files(tracking)} names no server" if tracking.files else "there is no mlflow.yml"
    yield (
        f"MLflow is off: {reason}. kedro-mlflow would track each node by itself, to a place that is lost with its pod"
        f" or that MLflow refuses; {cure}, or keep kedro-mlflow off by DISABLE_HOOKS_FOR_PLUGINS = ('kedro_mlflow',)"
        " in settings.py (--no-mlflow only silences this)"
    )


def _doubtful(project: Project, config: PluginConfig) -> Iterator[str]:
    """Yield what of kedro-mlflow's own configuration would work against the one run."""
    tracking = project.tracking
    if tracking is None:
        return
    if tracking.only_local:
        other = "" if tracking.experiment == project.package else f" and refuse a run of {tracking.experiment!r}"
        yield (
            f"{_files(tracking)} is not in an image that kedro-docker makes: the pods would track with kedro-mlflow's"
            f" defaults, to the experiment {project.package!r}{other}; move it to conf/base"
        )
    elif tracking.local_files:
        yield (
            f"{', '.join(tracking.local_files)} is not in an image that kedro-docker makes: the pods would not track as"
            " it says; compile for another environment with --env"
        )
    asked, configured = config.run_config.mlflow.tracking_uri, tracking.tracking_uri
    if asked and configured and not tracking.only_local and asked.rstrip("/") != configured.rstrip("/"):
        yield (
            f"{_files(tracking)} names a server of its own, which kedro-mlflow takes in the pods, whatever"
            " run_config.mlflow.tracking_uri says; leave it out there, or let both say the same in this environment"
        )
    if tracking.run_id is not None:
        yield (
            f"{_files(tracking)} sets tracking.run.id, which the pods take instead of the MLflow run of their DAG run;"
            " remove it there"
        )
    for key, value in tracking.experiment_options.items():
        if _is_of_one_pod(key, value):
            yield f"{_files(tracking)} sets the {key} {value!r}, which is of one pod alone; it is left out"


def _is_of_one_pod(option: str, value: Any) -> bool:
    return option == "artifact_location" and "://" not in str(value)


@singledispatch
def _login(authentication: Any) -> dict[str, Any]:
    """Return the arguments by which an MLflow server knows how to log in."""
    raise NotImplementedError(f"no handler for {type(authentication).__name__}")


@_login.register
def _(authentication: NullAuthentication) -> dict[str, Any]:
    return {}


@_login.register
def _(authentication: VarsAuthentication) -> dict[str, Any]:
    return _handler("VarsAuthHandler", variables=list(authentication.params))


@_login.register
def _(authentication: GoogleOAuth2Authentication) -> dict[str, Any]:
    return _handler("GoogleOAuth2AuthHandler")


def _handler(name: str, **arguments: Any) -> dict[str, Any]:
    return {"auth_handler": Call(Ref(HANDLERS, name), arguments)}
