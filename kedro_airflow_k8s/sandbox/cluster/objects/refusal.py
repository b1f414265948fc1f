"""The answers of the Kubernetes API server that say no: a `Status` object for each kind of refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """A request that the API server answers with a failure."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": dict(details or {}),
            "code": code,
        }


def bad_request(message: str) -> Refusal:
    """Return the refusal of a request that makes no sense."""
    return Refusal(400, "BadRequest", message)


def forbidden(message: str, resource: str = "", name: str = "") -> Refusal:
    """Return the refusal of a request that its sender may not make, about an object if it is about one."""
    details = {"name": name, "kind": resource} if resource else {}
    return Refusal(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def not_found(resource: str, name: str) -> Refusal:
    """Return the refusal to show what does not exist; `resource` is the plural, as in an address."""
    return Refusal(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def no_such_resource(path: str) -> Refusal:
    """Return the refusal of an address that the server does not serve."""
    return Refusal(404, "NotFound", f"the server could not find the requested resource ({path})")


def method_not_allowed(method: str) -> Refusal:
    """Return the refusal of something that cannot be done to a resource."""
    message = f"the server does not allow this method on the requested resource ({method})"
    return Refusal(405, "MethodNotAllowed", message)


def already_exists(resource: str, name: str, *, leaving: bool) -> Refusal:
    """Return the refusal to create what exists, or with `leaving` is still being deleted."""
    prefix = "object is being deleted: " if leaving else ""
    return Refusal(
        409, "AlreadyExists", f'{prefix}{resource} "{name}" already exists', {"name": name, "kind": resource}
    )


def conflict(resource: str, name: str, why: str) -> Refusal:
    """Return the refusal of a change whose precondition does not hold."""
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return Refusal(409, "Conflict", message, {"name": name, "kind": resource})


def expired(version: int) -> Refusal:
    """Return the refusal to watch from a version whose changes are no longer known."""
    return Refusal(410, "Expired", f"too old resource version: {version}")


def unsupported_media_type(got: str, accepted: Iterable[str]) -> Refusal:
    """Return the refusal of a body in a format the server does not read."""
    message = f"the body of the request was in an unknown format ({got}) - accepted media types: {', '.join(accepted)}"
    return Refusal(415, "UnsupportedMediaType", message)


def invalid(kind: str, name: str, causes: Iterable[Json]) -> Refusal:
    """Return the refusal of an object that breaks the rules; every cause has `reason`, `message` and `field`."""
    listed = list(causes)
    texts = [f"{cause['field']}: {cause['message']}" for cause in listed]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {"name": name, "kind": kind, "causes": listed}
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {text}', details)
