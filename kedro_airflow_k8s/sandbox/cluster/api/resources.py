"""The resources of the emulated API server: which there are, and what can be done to them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from kedro_airflow_k8s.sandbox.cluster.api import body, execute, streams
from kedro_airflow_k8s.sandbox.cluster.api.causes import forbidden
from kedro_airflow_k8s.sandbox.cluster.api.schema import without_nulls
from kedro_airflow_k8s.sandbox.cluster.api.selectors import by_fields, by_labels
from kedro_airflow_k8s.sandbox.cluster.api.validation import check, check_metadata
from kedro_airflow_k8s.sandbox.cluster.control.admission import admit, authorize
from kedro_airflow_k8s.sandbox.cluster.kubelet import Kubelet
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import (
    Json,
    already_exists,
    bad_request,
    conflict,
    invalid,
    method_not_allowed,
    no_such_resource,
    not_found,
    unsupported_media_type,
)
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now
from kedro_airflow_k8s.sandbox.cluster.pod.environment import Secrets
from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings

_KINDS = {"pods": "Pod", "persistentvolumeclaims": "PersistentVolumeClaim", "events": "Event", "secrets": "Secret"}
_CHANGEABLE = ("pods", "persistentvolumeclaims")
# What a client may ask of an object before it is deleted, and what Kubernetes takes a difference for.
_PRECONDITIONS = (
    ("uid", "UID", "deleted and then recreated"),
    ("resourceVersion", "ResourceVersion", "modified"),
)
# Clients insist on every one of these.
_VERSION = {
    **dict.fromkeys(("gitCommit", "gitTreeState", "goVersion", "compiler", "platform"), ""),
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.0+kedro-sandbox",
    "buildDate": "2026-01-01T00:00:00Z",
}


class Api:
    """Answers requests about the objects of one store."""

    def __init__(self, store: Store, kubelet: Kubelet, secrets: Secrets, settings: ClusterSettings) -> None:
        self._settings = settings
        self._store = store
        self._kubelet = kubelet
        self._secrets = secrets
        self._known: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses that are served, each with the function that answers."""
        space = "/api/v1/namespaces/{namespace}"
        return [
            web.get("/version{slash:/?}", self._version),
            web.get(space, self._namespace),
            web.route("*", f"{space}/{{resource}}", self._collection),
            web.route("*", f"{space}/{{resource}}/{{name}}", self._object),
            web.get(f"{space}/pods/{{name}}/log", self._log),
            web.route("*", f"{space}/pods/{{name}}/exec", self._exec),
        ]

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response(_VERSION)

    async def _namespace(self, request: web.Request) -> web.Response:
        name = request.match_info["namespace"]
        if self._settings.namespaces is not None and name not in self._settings.namespaces:
            raise not_found("namespaces", name)
        metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        status = {"phase": "Active"}
        return web.json_response({"kind": "Namespace", "apiVersion": "v1", "metadata": metadata, "status": status})

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        resource, namespace = self._resource(request), request.match_info["namespace"]
        authorize(self._settings, _verb(request), resource, namespace)
        if request.method == "GET":
            return await self._list(request, resource, namespace)
        if request.method == "POST" and resource in _CHANGEABLE:
            return await self._create(request, resource, namespace)
        raise method_not_allowed(request.method)

    async def _object(self, request: web.Request) -> web.StreamResponse:
        resource, place = self._resource(request), request.match_info
        authorize(self._settings, _verb(request), resource, place["namespace"], place["name"])
        if request.method == "GET":
            return web.json_response(self._find(request, resource))
        if request.method == "PATCH" and resource in _CHANGEABLE:
            return await self._patch(request, resource)
        if request.method == "DELETE" and resource in _CHANGEABLE:
            return await self._delete(request, resource)
        raise method_not_allowed(request.method)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        return await streams.log(request, self._kubelet.run(self._find(request, "pods")))

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        if request.method not in ("GET", "POST"):
            raise method_not_allowed(request.method)
        return await execute.serve(request, self._kubelet.run(self._find(request, "pods")))

    async def _list(self, request: web.Request, resource: str, namespace: str) -> web.StreamResponse:
        labels = by_labels(request.query.get("labelSelector", ""))
        fields = by_fields(request.query.get("fieldSelector", ""), resource)

        def test(item: Mapping[str, Any]) -> bool:
            return labels(item) and fields(item)

        if streams.flag(request.query, "watch"):
            return await streams.watch(request, self._store, resource, namespace, test)
        found = [item for item in self._store.all(resource, namespace) if test(item)]
        metadata = {"resourceVersion": str(self._store.version)}
        kind = f"{_KINDS[resource]}List"
        return web.json_response({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": found})

    async def _create(self, request: web.Request, resource: str, namespace: str) -> web.Response:
        item = body.identified(await body.read(request), _KINDS[resource], namespace)
        _refuse_dry_run(request, item)
        check(item)
        name = item["metadata"]["name"]
        existing = self._store.find(resource, namespace, name)
        if existing is not None:
            raise already_exists(resource, name, leaving="deletionTimestamp" in existing["metadata"])
        admit(self._settings, self._store, resource, item)
        if resource == "pods":
            self._kubelet.create(item)
        else:
            self._kubelet.claims.create(item)
        return web.json_response(item, status=201)

    async def _patch(self, request: web.Request, resource: str) -> web.Response:
        if request.content_type not in body.PATCHES:
            raise unsupported_media_type(request.content_type, body.PATCHES)
        patch = await body.read(request)
        _refuse_dry_run(request, patch)
        item = self._find(request, resource)
        merged = body.merge(item, patch)
        kept = {key: item["metadata"][key] for key in ("name", "namespace", *body.OWN) if key in item["metadata"]}
        changed = {**item, "metadata": without_nulls({**merged.get("metadata", {}), **kept})}
        check_metadata(changed)
        if merged.get("spec") != item["spec"]:
            message = f"the sandbox does not change the spec of {resource}, only labels and annotations"
            raise invalid(_KINDS[resource], item["metadata"]["name"], [forbidden("spec", message)])
        item["metadata"] = changed["metadata"]
        self._store.save(resource, item)
        return web.json_response(item)

    async def _delete(self, request: web.Request, resource: str) -> web.Response:
        options = await body.read(request) if request.can_read_body else {}
        _refuse_dry_run(request, options)
        item = self._find(request, resource)
        metadata = item["metadata"]
        for key, word, end in _PRECONDITIONS:
            wanted, found = (options.get("preconditions") or {}).get(key), metadata[key]
            if wanted not in (None, found):
                why = f"the {word} in the precondition ({wanted}) does not match the {word} in record ({found})"
                raise conflict(resource, metadata["name"], f"{why}. The object might have been {end}")
        grace = streams.number(request.query, "gracePeriodSeconds")
        grace = options.get("gracePeriodSeconds") if grace is None else grace
        if grace is not None and (type(grace) is not int or grace < 0):
            raise bad_request(f"gracePeriodSeconds: {grace!r} must be a number greater than or equal to 0")
        if resource == "pods":
            self._kubelet.delete(item, grace)
        else:
            self._kubelet.claims.delete(item)
        return web.json_response(item)

    def _resource(self, request: web.Request) -> str:
        resource, namespace = request.match_info["resource"], request.match_info["namespace"]
        if resource not in _KINDS:
            raise no_such_resource(request.path)
        if resource == "secrets" and namespace not in self._known:
            self._known.add(namespace)
            for name, data in self._secrets.items():
                self._store.add("secrets", _secret(namespace, name, data))
        return resource

    def _find(self, request: web.Request, resource: str) -> Json:
        name = request.match_info["name"]
        item = self._store.find(resource, request.match_info["namespace"], name)
        if item is None:
            raise not_found(resource, name)
        return item


def _verb(request: web.Request) -> str:
    """Return what a request wants to do, in the words of a role."""
    if request.method == "GET" and "name" not in request.match_info:
        return "watch" if streams.flag(request.query, "watch") else "list"
    return {"GET": "get", "POST": "create"}.get(request.method, request.method.lower())


def _refuse_dry_run(request: web.Request, options: Json) -> None:
    if "dryRun" in request.query or options.get("dryRun"):
        raise bad_request("the sandbox does not know dryRun")


def _secret(namespace: str, name: str, data: Any) -> Json:
    encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": now()}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "type": "Opaque", "data": encoded}
