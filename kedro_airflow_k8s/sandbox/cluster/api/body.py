"""What a request carries: a new object, a patch, or options."""

from __future__ import annotations

import copy
import json
import secrets as randomness
from typing import Any

from aiohttp import web

from kedro_airflow_k8s.sandbox.cluster.api.causes import required
from kedro_airflow_k8s.sandbox.cluster.api.schema import without_nulls
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, bad_request, invalid, unsupported_media_type

PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
# What an API server, and nobody else, writes.
OWN = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


async def read(request: web.Request) -> Json:
    """Return the JSON object that a request carries; raise Refusal (400 or 415) if it carries something else."""
    kind = request.content_type
    if kind not in ("application/json", "application/octet-stream", "text/plain", *PATCHES):
        raise unsupported_media_type(kind, ("application/json",))
    text = await request.read()
    try:
        body: Any = json.loads(text or b"{}")
    except ValueError as error:
        raise bad_request(f"the body of the request is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise bad_request(f"the body of the request must be a JSON object, not {type(body).__name__}")
    return body


def identified(body: Json, kind: str, namespace: str) -> Json:
    """Return a new object with its kind, its namespace and its name; raise Refusal if they do not fit."""
    item: Json = without_nulls(body)
    if item.get("kind", kind) != kind or item.get("apiVersion", "v1") != "v1":
        given = f"{item.get('apiVersion', 'v1')}, Kind={item.get('kind', kind)}"
        raise bad_request(f"the data ({given}) does not match the expected API version (v1, Kind={kind})")
    metadata = item.get("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request(f"{kind}: metadata must be an object, not {metadata!r}")
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata = {key: value for key, value in metadata.items() if key not in OWN}
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            raise invalid(kind, "", [required("metadata.name", "name or generateName is required")])
        metadata["name"] = f"{metadata['generateName']}{''.join(randomness.choice(_SUFFIX) for _ in range(5))}"
    # Kubernetes fills in the default before it checks, so that the sandbox refuses what it would have become.
    item.update(kind=kind, apiVersion="v1", metadata={**metadata, "namespace": namespace}, spec=item.get("spec", {}))
    item.pop("status", None)
    return item


def merge(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386), leaving the value itself as it is."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), change)
    return merged
