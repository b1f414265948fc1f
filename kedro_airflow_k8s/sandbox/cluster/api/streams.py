"""The answers of the API server that go on: watches and the logs of containers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web

from kedro_airflow_k8s.sandbox.cluster.api.selectors import Predicate
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, Refusal, bad_request
from kedro_airflow_k8s.sandbox.cluster.objects.store import Change, Store
from kedro_airflow_k8s.sandbox.cluster.pod.logfile import Reading, parse_time, read, timestamp
from kedro_airflow_k8s.sandbox.cluster.pod.run import PodRun

# Seconds that a watch lasts when its client does not say.
_WATCH = 1800


async def watch(
    request: web.Request, store: Store, resource: str, namespace: str, test: Predicate
) -> web.StreamResponse:
    """Send every change of the objects that pass `test`, one JSON object a line, until the client's time is over.

    Without a resource version the objects that exist come first, as added.
    """
    seconds = number(request.query, "timeoutSeconds") or _WATCH
    since = number(request.query, "resourceVersion") or 0
    present = [] if since else [_line("ADDED", item) for item in store.all(resource, namespace) if test(item)]
    since = since or store.version
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)

    async def send() -> None:
        for line in present:
            await response.write(line)
        try:
            async for change in store.watch(resource, namespace, since):
                line = _told(change, test)
                if line:
                    await response.write(line)
        except Refusal as refusal:
            await response.write(_line("ERROR", refusal.status))

    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(send(), seconds)
    await response.write_eof()
    return response


async def log(request: web.Request, run: PodRun) -> web.StreamResponse:
    """Send what a container printed, with `follow` until it has ended; raise Refusal (400) if it has not started."""
    query = request.query
    name = choose(run.pod, query.get("container"))
    container = run.containers.get(name)
    pod = run.pod["metadata"]["name"]
    if flag(query, "previous"):
        raise bad_request(f'previous terminated container "{name}" in pod "{pod}" not found')
    if container is None:
        raise bad_request(f'container "{name}" in pod "{pod}" is waiting to start: {run.reason(name)}')
    reading = Reading(
        follow=flag(query, "follow"),
        timestamps=flag(query, "timestamps"),
        since=_since(query),
        tail=number(query, "tailLines"),
        limit=number(query, "limitBytes"),
    )
    # Opened before anything is awaited: the pod may be deleted, with its files, while its log is read.
    with container.log.path.open("rb") as file:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        async for piece in read(container.log, file, reading):
            await response.write(piece)
        await response.write_eof()
        return response


def choose(pod: Json, name: str | None) -> str:
    """Return which container of a pod is meant; raise Refusal (400) if that is not clear, or there is none."""
    spec = pod["spec"]
    known = [item["name"] for item in spec["containers"]]
    every = [item["name"] for item in spec.get("initContainers", [])] + known
    title = pod["metadata"]["name"]
    if name is None and len(known) > 1:
        raise bad_request(f"a container name must be specified for pod {title}, choose one of: [{' '.join(every)}]")
    if name is not None and name not in every:
        raise bad_request(f"container {name} is not valid for pod {title}")
    return name or known[0]


def flag(query: Mapping[str, str], key: str) -> bool:
    """Return a query's boolean; raise Refusal (400) if it is none."""
    text = query.get(key, "false").lower()
    if text not in ("true", "false", "1", "0", "t", "f"):
        raise bad_request(f"{key}: {query[key]!r} is neither true nor false")
    return text in ("true", "1", "t")


def number(query: Mapping[str, str], key: str) -> int | None:
    """Return a query's number, which cannot be negative, or None; raise Refusal (400) if it is none."""
    text = query.get(key)
    if not text:
        return None
    if not text.isdecimal():
        raise bad_request(f"{key}: {text!r} must be a number greater than or equal to 0")
    return int(text)


def _since(query: Mapping[str, str]) -> bytes:
    seconds = number(query, "sinceSeconds")
    if seconds is not None:
        return timestamp(time.time_ns() - seconds * 10**9)
    text = query.get("sinceTime")
    try:
        return parse_time(text) if text else b""
    except ValueError as error:
        raise bad_request(f"sinceTime: {text!r} is not an RFC 3339 time: {error}") from error


def _told(change: Change, test: Predicate) -> bytes:
    """Write a change as those see it who watch only what passes `test`; empty if they do not."""
    before, after = change.before, change.after
    was, stays = before is not None and test(before), after is not None and test(after)
    if stays and after is not None:
        return _line("MODIFIED" if was else "ADDED", after)
    return _line("DELETED", after or before or {}) if was else b""


def _line(kind: str, item: Json) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"
