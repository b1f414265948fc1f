"""Feature: what the nodes get from Airflow and from Kubernetes' secrets."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.config.schedule import as_cron
from kedro_airflow_k8s.config.secrets import SecretFiles, SecretVariable, SecretVariables
from kedro_airflow_k8s.config.sections import RunConfig
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Finding, Fragment, Ref, Rule
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.manifest import filled
from kedro_airflow_k8s.plan.pod import CONTAINER, project_path
from kedro_airflow_k8s.plan.text import verbatim

FUNCTIONS = "kedro_airflow_k8s.operators.parameters"
# Words by which Airflow, too, takes a Variable for a secret one.
_SENSITIVE = (
    "apikey",
    "api_key",
    "authorization",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "token",
)


EXPOSED = Rule("readable-secret", "warning")


def inputs(context: Context) -> Fragment:
    """Give the nodes macros and Variables as parameters, Variables and secrets as environment, secrets as files."""
    run = context.config.run_config
    from_airflow = ({"name": name, "value": f"{{{{ env_value(variable({name!r})) }}}}"} for name in run.env_vars)
    secrets: tuple[Any, ...] = run.secrets
    files = [secret for secret in secrets if isinstance(secret, SecretFiles)]
    for secret in files:
        _check_place(secret, project_path(context.project, context.config))
    container = {
        "name": CONTAINER,
        "envFrom": [
            {"secretRef": {"name": verbatim(secret.secret)}}
            for secret in secrets
            if isinstance(secret, SecretVariables)
        ],
        "volumeMounts": [
            {"name": f"secret-{number}", **_mount(secret), "readOnly": True} for number, secret in enumerate(files)
        ],
    }
    volumes = [{"name": f"secret-{number}", "secret": dict(_volume(secret))} for number, secret in enumerate(files)]
    needed = {"macro": run.macro_params, "variable": run.variables_params or run.env_vars, "env_value": run.env_vars}
    used = [name for name, by in {**needed, "param": parameters(run)}.items() if by]
    return Fragment(
        pod={"spec": filled({"volumes": volumes, "containers": [filled(container)]})},
        env=(*from_airflow, *_variables(secrets)),
        args=parameters(run),
        functions={name: Ref(FUNCTIONS, name) for name in used},
        findings=tuple(Finding(EXPOSED, text) for text in _exposed(context.config)),
    )


def parameters(run: RunConfig) -> tuple[str, ...]:
    """Return the argument of `kedro run` that has the macros and Variables, if there are any."""
    calls = [f"param({name!r}, {_macro(name, run.cron_expression)})" for name in run.macro_params]
    calls += [f"param({name!r}, variable({name!r}))" for name in run.variables_params]
    return ("--params=" + ",".join(f"{{{{ {call} }}}}" for call in calls),) if calls else ()


def _exposed(config: PluginConfig) -> list[str]:
    """Return a warning for each Variable that sounds secret: it would stand in the pod for everybody to read."""
    run = config.run_config
    return [
        f"the Airflow Variable {name} of run_config.{key} would stand readable in the pod and in Airflow's pages;"
        " if it is secret, make it a Kubernetes secret, and name that in run_config.secrets"
        for key, names in {"variables_params": run.variables_params, "env_vars": run.env_vars}.items()
        for name in names
        if any(word in name.lower() for word in _SENSITIVE)
    ]


def _check_place(secret: SecretFiles, root: PurePosixPath) -> None:
    """Refuse a folder of files that would hide the project, what it cannot do without, or the shared volume."""
    if secret.key is not None:
        return
    place = PurePosixPath(posixpath.normpath(secret.folder))
    hidden = [part for part in ("conf", "data", "src") if (root / part).is_relative_to(place)]
    if hidden:
        raise PlanError(
            f"run_config.secrets: {secret.secret!r} as files in {secret.folder} would hide {', '.join(hidden)}"
            f" of the project, which lies in {root} of the image; give it a folder of its own"
        )


def _macro(name: str, schedule: str | None) -> str:
    if not name.startswith(("prev_", "next_")):
        return f"macro({name!r})"
    cron = as_cron(schedule)
    return f"macro({name!r}, {cron!r})" if cron else f"macro({name!r})"


def _variables(secrets: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for secret in secrets:
        if isinstance(secret, SecretVariable):
            key = {"name": verbatim(secret.secret), "key": verbatim(secret.key)}
            yield {"name": secret.name, "valueFrom": {"secretKeyRef": key}}


def _mount(secret: SecretFiles) -> dict[str, str]:
    """Return where the files are mounted: a single one by itself, so that the folder's others stay.

    In a folder that Kubernetes mounts, files are links into a hidden one, and what lies there Kedro's loader ignores.
    """
    if secret.key is None:
        return {"mountPath": verbatim(secret.folder)}
    return {"mountPath": verbatim(f"{secret.folder.rstrip('/')}/{secret.key}"), "subPath": verbatim(secret.key)}


def _volume(secret: SecretFiles) -> Iterator[tuple[str, Any]]:
    yield "secretName", verbatim(secret.secret)
    if secret.key is not None:
        yield "items", [{"key": verbatim(secret.key), "path": verbatim(secret.key)}]
