"""The objects of the emulated cluster, and the order in which they changed."""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, expired

# A watch may start from the version of a list made a while ago; Kubernetes, too, forgets old ones.
_REMEMBERED = 2000


@dataclass(frozen=True)
class Change:
    """What happened to one object: how it was before and after, or None where it was not there."""

    version: int
    resource: str
    before: Json | None
    after: Json | None

    @property
    def namespace(self) -> str:
        """The namespace of the object."""
        return str((self.after or self.before or {})["metadata"]["namespace"])


class Store:
    """All objects, each reachable by resource, namespace and name.

    Every change gets the next resource version. An object handed out is the store's own: change it, then `save` it.
    """

    def __init__(self) -> None:
        self.version = 0
        self._objects: dict[tuple[str, str, str], Json] = {}
        self._changes: list[Change] = []
        self._last: dict[str, Json] = {}
        self._forgotten = 0
        self._pulse = asyncio.Event()

    def find(self, resource: str, namespace: str, name: str) -> Json | None:
        """Return the object of that name, or None."""
        return self._objects.get((resource, namespace, name))

    def all(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Return a resource's objects of one namespace, or of all, oldest first."""
        return [
            item for (kind, space, _), item in self._objects.items() if kind == resource and namespace in (None, space)
        ]

    def add(self, resource: str, item: Json) -> None:
        """Take in an object whose namespace and name are set, and give it its identity."""
        metadata = item["metadata"]
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        self._objects[resource, metadata["namespace"], metadata["name"]] = item
        self.save(resource, item)

    def save(self, resource: str, item: Json) -> None:
        """Make a change of an object known, if there is one."""
        before = self._last.get(item["metadata"]["uid"])
        if item == before:
            return
        item["metadata"]["resourceVersion"] = str(self.version + 1)
        after = copy.deepcopy(item)
        self._last[item["metadata"]["uid"]] = after
        self._record(Change(self.version + 1, resource, before, after))

    def remove(self, resource: str, item: Json) -> None:
        """Forget an object."""
        metadata = item["metadata"]
        del self._objects[resource, metadata["namespace"], metadata["name"]]
        # A watch shows what is deleted as it was last, with the version of its deletion.
        before = self._last.pop(metadata["uid"])
        gone = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version + 1)}}
        self._record(Change(self.version + 1, resource, gone, None))

    async def changed(self) -> None:
        """Wait for the next change of anything, or for `wake`."""
        await self._pulse.wait()

    def wake(self) -> None:
        """Let go on whoever waits for a change."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def watch(self, resource: str, namespace: str, since: int) -> AsyncIterator[Change]:
        """Yield the changes after version `since`, as they happen, without end; raise Refusal (410) if too old."""
        cursor = since
        while True:
            if cursor < self._forgotten:
                raise expired(cursor)
            # Every version is one change, so a version tells where the changes after it lie.
            for change in self._changes[cursor - self._forgotten :]:
                cursor = change.version
                if (change.resource, change.namespace) == (resource, namespace):
                    yield change
            # While the consumer held a change, others may have come.
            if cursor >= self.version:
                await self.changed()

    def _record(self, change: Change) -> None:
        self.version = change.version
        self._changes.append(change)
        if len(self._changes) > 2 * _REMEMBERED:
            del self._changes[:_REMEMBERED]
            self._forgotten += _REMEMBERED
        self.wake()


def now(ahead: float = 0) -> str:
    """Return the time `ahead` seconds from now as Kubernetes writes times."""
    return (datetime.now(timezone.utc) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")
