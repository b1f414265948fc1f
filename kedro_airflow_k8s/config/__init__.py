"""The configuration: content of `airflow-k8s.yaml` becomes a `PluginConfig`, or one error that lists what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from kedro_airflow_k8s.config.problems import problems, strange_keys
from kedro_airflow_k8s.config.resources import Resources
from kedro_airflow_k8s.config.sandbox import SandboxConfig
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.sections import PluginConfig
from kedro_airflow_k8s.config.values import address
from kedro_airflow_k8s.errors import ConfigError

__all__ = ["PluginConfig", "Resources", "SandboxConfig", "address", "load", "load_sandbox"]

Kind = TypeVar("Kind", bound=Section)


def load(
    content: Mapping[str, Any],
    files: Sequence[str],
    *,
    overrides: Mapping[str, Any] | None = None,
    required: Iterable[str] = (),
) -> PluginConfig:
    """Check the content of `airflow-k8s.yaml` and make a `PluginConfig` of it.

    `overrides` are values of dotted keys that the command line gave; `required` are dotted keys that the command cannot
    do without although the file may leave them out. Raises one `ConfigError` that lists all problems.
    """
    merged = _plain(content)
    for key, value in (overrides or {}).items():
        _put(merged, key, value)
    missing = [
        f"{key}: required, but {'empty' if key in (overrides or {}) else _lack(merged, key)}"
        for key in required
        if _look_up(merged, key) in (None, "") and _parent_is_section(merged, key)
    ]
    return _checked(PluginConfig, merged, files, [*missing, *strange_keys(content)], given=overrides or {})


def load_sandbox(content: Mapping[str, Any], files: Sequence[str]) -> SandboxConfig:
    """Check the content of `airflow-k8s-sandbox.yaml`. Raises one `ConfigError` that lists all problems."""
    return _checked(SandboxConfig, _plain(content), files, [*strange_keys(content)])


def _checked(
    kind: type[Kind], content: Mapping[str, Any], files: Sequence[str], found: list[str], given: Iterable[str] = ()
) -> Kind:
    try:
        section = kind.model_validate(content)
    except ValidationError as error:
        found = [*found, *(line for detail in error.errors() for line in problems(detail, kind))]
    if found:
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        marked = {f"{key}:": f"{key}, as the command line has it:" for key in given}
        lines = {
            next((line.replace(key, mark, 1) for key, mark in marked.items() if line.startswith(key)), line)
            for line in found
        }
        verb = "has" if len(files) == 1 else "have"
        listed = "".join(f"\n  {line}" for line in sorted(lines))
        raise ConfigError(f"{', '.join(files)} {verb} {count}:{listed}") from None
    return section


def _plain(value: Any) -> Any:
    """Copy the sections, without keys that are no text: `strange_keys` reports them."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items() if isinstance(key, str)}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        # As in a section whose keys are all commented out.
        if content.get(section) is None:
            content[section] = {}
        content = content[section]
        if not isinstance(content, dict):
            return
    content[last] = value


def _look_up(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _lack(content: Mapping[str, Any], key: str) -> str:
    if _look_up(content, key) is None:
        return "missing"
    return "empty; where it is taken from the environment, is the variable KEDRO_CONFIG_... set?"


def _parent_is_section(content: Mapping[str, Any], key: str) -> bool:
    # A section that is wrong as a whole is one problem, not one for each key it should hold.
    parent = key.rpartition(".")[0]
    return not parent or isinstance(_look_up(content, parent), Mapping)
