"""Feature: what the nodes get from Airflow and from Kubernetes' secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.config.sections import Secret
from kedro_airflow_k8s.model import Fragment, Ref
from kedro_airflow_k8s.plan.text import literal
from kedro_airflow_k8s.project import Project

FUNCTIONS = "kedro_airflow_k8s.operators.parameters"
# What croniter does not know of the presets that Airflow does.
_PRESETS = {"@quarterly": "0 0 1 */3 *", "@once": None, "@continuous": None}


def inputs(project: Project, config: PluginConfig, dag_id: str) -> Fragment:
    """Give the nodes macros and Variables as parameters, Variables and secrets as environment, secrets as files."""
    run = config.run_config
    parameters = [f"param({name!r}, {_macro(name, run.cron_expression)})" for name in run.macro_params]
    parameters += [f"param({name!r}, variable({name!r}))" for name in run.variables_params]
    container: dict[str, Any] = {}
    if parameters:
        container["args"] = ["--params=" + ",".join(f"{{{{ {call} }}}}" for call in parameters)]
    variables = [{"name": name, "value": f"{{{{ literal(variable({name!r})) }}}}"} for name in run.env_vars]
    container["env"] = [*variables, *_variables(run.secrets)]
    container["envFrom"] = [
        {"secretRef": {"name": literal(secret.secret)}}
        for secret in run.secrets
        if secret.deploy_type == "env" and secret.key is None
    ]
    files = [secret for secret in run.secrets if secret.deploy_type == "volume"]
    container["volumeMounts"] = [
        {"name": f"secret-{number}", "mountPath": literal(secret.deploy_target or ""), "readOnly": True}
        for number, secret in enumerate(files)
    ]
    volumes = [{"name": f"secret-{number}", "secret": dict(_volume(secret))} for number, secret in enumerate(files)]
    needed = {"macro": run.macro_params, "variable": run.variables_params or run.env_vars, "literal": run.env_vars}
    used = [name for name, by in {**needed, "param": parameters}.items() if by]
    return Fragment(
        pod={"spec": {"volumes": volumes}, "container": container},
        functions={name: Ref(FUNCTIONS, name) for name in used},
    )


def _macro(name: str, schedule: str | None) -> str:
    if not name.startswith(("prev_", "next_")):
        return f"macro({name!r})"
    cron = _PRESETS.get(schedule, schedule) if schedule else None
    return f"macro({name!r}, {cron!r})" if cron else f"macro({name!r})"


def _variables(secrets: tuple[Secret, ...]) -> Iterator[dict[str, Any]]:
    for secret in secrets:
        if secret.deploy_type == "env" and secret.key is not None:
            key = {"name": literal(secret.secret), "key": literal(secret.key)}
            yield {"name": secret.deploy_target, "valueFrom": {"secretKeyRef": key}}


def _volume(secret: Secret) -> Iterator[tuple[str, Any]]:
    yield "secretName", literal(secret.secret)
    if secret.key is not None:
        yield "items", [{"key": literal(secret.key), "path": literal(secret.key)}]
