"""The rules that Kubernetes has for the parts of a pod: containers, volumes, tolerations, resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from kedro_airflow_k8s.sandbox.cluster.api.causes import required, unique, unknown, unsupported, wrong
from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json

_OPERATORS = ("Exists", "Equal")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_VOLUMES = ("persistentVolumeClaim", "secret", "configMap", "emptyDir")
_SOURCES = ("secretKeyRef", "configMapKeyRef", "fieldRef")
_FIELD_PATH = re.compile(
    r"metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)


def container(container: Json, field: str, volumes: set[str]) -> Iterator[Json]:
    """Yield what is wrong with a container that may mount the given volumes."""
    if not container.get("name"):
        yield required(f"{field}.name")
    elif not names.is_label(container["name"]):
        yield wrong(f"{field}.name", container["name"], names.LABEL_RULE)
    image = container.get("image", "")
    if not image:
        yield required(f"{field}.image")
    elif image != image.strip():
        yield wrong(f"{field}.image", image, "must not have leading or trailing whitespace")
    if container.get("imagePullPolicy", "Always") not in _PULL_POLICIES:
        yield unknown(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    if container.get("restartPolicy") is not None:
        yield unsupported(f"{field}.restartPolicy", "the sandbox does not restart containers")
    if container.get("tty"):
        yield unsupported(f"{field}.tty", "the sandbox gives containers no terminal")
    for index, variable in enumerate(container.get("env", [])):
        yield from _variable(variable, f"{field}.env[{index}]")
    for index, source in enumerate(container.get("envFrom", [])):
        if len({"secretRef", "configMapRef"} & source.keys()) != 1:
            message = "Invalid value: must specify exactly one of: `configMapRef` or `secretRef`"
            yield {"reason": "FieldValueInvalid", "message": message, "field": f"{field}.envFrom[{index}]"}
    for index, mount in enumerate(container.get("volumeMounts", [])):
        yield from _mount(mount, f"{field}.volumeMounts[{index}]", volumes)
    mounts = [mount.get("mountPath", "").rstrip("/") for mount in container.get("volumeMounts", [])]
    yield from unique(mounts, f"{field}.volumeMounts.mountPath")
    for path in sorted(set(mounts)):
        if any(str(parent) in mounts for parent in PurePosixPath(path).parents):
            yield unsupported(
                f"{field}.volumeMounts", f"the sandbox mounts nothing within a mount, as {path!r} would be"
            )
    yield from resources(container.get("resources", {}), f"{field}.resources")


def _variable(variable: Json, field: str) -> Iterator[Json]:
    name = variable.get("name", "")
    if not name:
        yield required(f"{field}.name")
    elif not name.isascii() or not name.isprintable() or "=" in name:
        yield wrong(f"{field}.name", name, "must consist of printable ASCII characters other than '='")
    if "\0" in variable.get("value", ""):
        yield wrong(f"{field}.value", variable["value"], "must not hold a NUL character")
    source = variable.get("valueFrom")
    if source is None:
        return
    if variable.get("value"):
        yield wrong(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")
    if len(set(_SOURCES) & source.keys()) != 1 or len(source) != 1:
        yield unsupported(f"{field}.valueFrom", f"the sandbox knows exactly one of: {', '.join(_SOURCES)}")
    for kind in ("secretKeyRef", "configMapKeyRef"):
        for part in ("name", "key"):
            if not source.get(kind, {part: "."}).get(part):
                yield required(f"{field}.valueFrom.{kind}.{part}")
    path = source.get("fieldRef", {"fieldPath": "metadata.name"}).get("fieldPath", "")
    if not _FIELD_PATH.fullmatch(path):
        yield wrong(
            f"{field}.valueFrom.fieldRef.fieldPath", path, "error converting fieldPath: field label not supported"
        )


def _mount(mount: Json, field: str, volumes: set[str]) -> Iterator[Json]:
    if not mount.get("name"):
        yield required(f"{field}.name")
    elif mount["name"] not in volumes:
        yield {"reason": "FieldValueNotFound", "message": f'Not found: "{mount["name"]}"', "field": f"{field}.name"}
    path, sub_path = mount.get("mountPath", ""), PurePosixPath(mount.get("subPath", ""))
    if not path:
        yield required(f"{field}.mountPath")
    elif not path.startswith("/") or ":" in path or ".." in path.split("/") or path.strip("/") == "":
        message = "the sandbox mounts only at absolute paths below /, without ':' and '..'"
        yield unsupported(f"{field}.mountPath", f"{message}, not at {path!r}")
    if sub_path.is_absolute() or ".." in sub_path.parts:
        yield wrong(f"{field}.subPath", str(sub_path), "must be a relative path without '..'")
    if "subPathExpr" in mount:
        yield unsupported(f"{field}.subPathExpr", "the sandbox knows subPath only")


def volume(volume: Json, field: str) -> Iterator[Json]:
    """Yield what is wrong with a volume."""
    if not volume.get("name"):
        yield required(f"{field}.name")
    elif not names.is_label(volume["name"]):
        yield wrong(f"{field}.name", volume["name"], names.LABEL_RULE)
    kinds = sorted(volume.keys() - {"name"})
    if not kinds:
        yield required(field, "must specify a volume type")
    elif len(kinds) > 1:
        yield wrong(field, ", ".join(kinds), "may not specify more than 1 volume type")
    elif kinds[0] not in _VOLUMES:
        yield unsupported(f"{field}.{kinds[0]}", f"the sandbox has volumes of these types only: {', '.join(_VOLUMES)}")
    for kind, key in (("persistentVolumeClaim", "claimName"), ("secret", "secretName"), ("configMap", "name")):
        if kind in volume and not volume[kind].get(key):
            yield required(f"{field}.{kind}.{key}")
    for kind in ("secret", "configMap"):
        for item in volume.get(kind, {}).get("items", []):
            path = PurePosixPath(item.get("path", ""))
            if not item.get("key") or not item.get("path") or path.is_absolute() or ".." in path.parts:
                yield wrong(f"{field}.{kind}.items", item, "must have a key, and a relative path without '..'")


def toleration(toleration: Json, field: str) -> Iterator[Json]:
    """Yield what is wrong with a toleration."""
    operator, effect = toleration.get("operator", "Equal"), toleration.get("effect", "")
    if operator not in _OPERATORS:
        yield unknown(f"{field}.operator", operator, _OPERATORS)
    if effect and effect not in _EFFECTS:
        yield unknown(f"{field}.effect", effect, _EFFECTS)
    if toleration.get("key"):
        if not names.is_label_key(toleration["key"]):
            yield wrong(f"{field}.key", toleration["key"], names.LABEL_KEY_RULE)
    elif operator != "Exists":
        yield wrong(
            f"{field}.operator", operator, 'operator must be Exists when `key` is empty, which means "match all"'
        )
    if operator == "Exists" and toleration.get("value"):
        yield wrong(f"{field}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        yield wrong(f"{field}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")


def resources(resources: Json, field: str) -> Iterator[Json]:
    """Yield what is wrong with requests and limits."""
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for part, amounts in (("requests", requests), ("limits", limits)):
        for name, value in amounts.items():
            amount = names.quantity(value)
            if not names.is_label_key(name):
                yield wrong(f"{field}.{part}", name, names.LABEL_KEY_RULE)
            if amount is None:
                yield wrong(f"{field}.{part}[{name}]", value, "must be a quantity such as 500m, 2 or 1Gi")
            elif amount < 0:
                yield wrong(f"{field}.{part}[{name}]", value, "must be greater than or equal to 0")
    for name in requests.keys() & limits.keys():
        asked, allowed = names.quantity(requests[name]), names.quantity(limits[name])
        if asked is not None and allowed is not None and asked > allowed:
            message = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{field}.requests", requests[name], message)
