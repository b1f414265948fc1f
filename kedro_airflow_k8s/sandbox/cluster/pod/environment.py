"""The environment and the argument list of a container, as a kubelet puts them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kedro_airflow_k8s.sandbox.cluster.objects.node import ADDRESS, NODE
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json

Secrets = Mapping[str, Mapping[str, str]]

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


class ConfigError(Exception):
    """A container cannot be created because of what its environment refers to; the text is a kubelet's."""


def variables(container: Json, pod: Json, secrets: Secrets, skipped: Callable[[str], None]) -> dict[str, str]:
    """Return the variables that a pod sets for a container: those of `envFrom`, then those of `env`, expanded.

    Raises ConfigError where a secret or a key is missing; tells `skipped` of keys that cannot be a variable's name.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found.update(_all_keys(source, pod, secrets, skipped))
    for variable in container.get("env", []):
        if "valueFrom" in variable:
            value = _value(variable["valueFrom"], pod, secrets)
        else:
            value = expand(variable.get("value", ""), found)
        # An optional key that is missing leaves the variable unset.
        if value is not None:
            found[variable["name"]] = value
    return found


def arguments(container: Json, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return `command` and `args` with the container's own variables expanded."""
    return tuple(expand(word, values) for word in (*container.get("command", []), *container.get("args", [])))


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace each `$(NAME)` whose NAME has a value, and each `$$` by `$`; leave all else as it is."""

    def replacement(match: re.Match[str]) -> str:
        name: str | None = match[1]
        return "$" if name is None else values.get(name, match[0])

    return _REFERENCE.sub(replacement, text)


def find_secret(reference: Json, secrets: Secrets) -> Mapping[str, str] | None:
    """Return a secret's keys and values, or None where it is optional and missing; raise ConfigError otherwise."""
    name = str(reference.get("secretName", reference.get("name", "")))
    if name in secrets or reference.get("optional"):
        return secrets.get(name)
    raise ConfigError(f'secret "{name}" not found')


def find_config_map(reference: Json) -> None:
    """Raise ConfigError unless the config map is optional: the sandbox has none."""
    if not reference.get("optional"):
        raise ConfigError(f'configmap "{reference.get("name", "")}" not found')


def _all_keys(source: Json, pod: Json, secrets: Secrets, skipped: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    if "configMapRef" in source:
        find_config_map(source["configMapRef"])
        return
    invalid = []
    for key, value in (find_secret(source["secretRef"], secrets) or {}).items():
        name = source.get("prefix", "") + key
        if _VARIABLE.fullmatch(name):
            yield name, value
        else:
            invalid.append(key)
    if invalid:
        where = f"secret {pod['metadata']['namespace']}/{source['secretRef'].get('name')}"
        skipped(
            f"Keys [{', '.join(invalid)}] from the EnvFrom {where} were skipped "
            "since they are considered invalid environment variable names."
        )


def _value(source: Json, pod: Json, secrets: Secrets) -> str | None:
    if "configMapKeyRef" in source:
        find_config_map(source["configMapKeyRef"])
        return None
    if "fieldRef" in source:
        return _field(source["fieldRef"]["fieldPath"], pod)
    reference = source["secretKeyRef"]
    secret = find_secret(reference, secrets)
    key = reference["key"]
    if secret is not None and key not in secret and not reference.get("optional"):
        raise ConfigError(f"couldn't find key {key} in Secret {pod['metadata']['namespace']}/{reference['name']}")
    return (secret or {}).get(key)


def _field(path: str, pod: Json) -> str:
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str(pod["metadata"].get(match[1], {}).get(match[2], ""))
    if path.startswith("metadata."):
        return str(pod["metadata"][path.removeprefix("metadata.")])
    known: dict[str, Any] = {
        "spec.nodeName": NODE,
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
    }
    return str(known.get(path, ADDRESS))
