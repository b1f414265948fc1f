"""The objects of a cluster and the order of their changes."""

import asyncio

import pytest

from kedro_airflow_k8s.sandbox.cluster.objects import store as module
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Refusal
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store


def item(name, namespace="lab"):
    return {"metadata": {"name": name, "namespace": namespace}}


async def first(changes, count):
    return [await asyncio.wait_for(changes.__anext__(), 1) for _ in range(count)]


def test_every_change_has_the_next_version():
    """An object carries the version of its last change."""
    store = Store()
    one, two = item("one"), item("two")
    store.add("pods", one)
    store.add("pods", two)
    one["status"] = {}
    store.save("pods", one)

    assert ("3", "2") == (one["metadata"]["resourceVersion"], two["metadata"]["resourceVersion"])


def test_what_did_not_change_gets_no_version():
    """Saving an object as it was is no change."""
    store, one = Store(), item("one")
    store.add("pods", one)

    store.save("pods", one)

    assert 1 == store.version


def test_a_watch_tells_what_was_before_and_after():
    """A watch sees the changes after its version, of its resource and namespace only."""

    async def scene():
        store, one = Store(), item("one")
        store.add("pods", one)
        changes = store.watch("pods", "lab", 1)
        store.add("events", item("e"))
        store.add("pods", item("other", "elsewhere"))
        one["status"] = {"phase": "Running"}
        store.save("pods", one)
        store.remove("pods", one)
        return await first(changes, 2)

    changed, gone = asyncio.run(scene())

    assert (None, {"phase": "Running"}) == (changed.before.get("status"), changed.after.get("status"))
    assert ("5", None) == (gone.before["metadata"]["resourceVersion"], gone.after)


def test_a_watch_waits_for_what_comes():
    """A watch from now tells a change when it happens."""

    async def scene():
        store = Store()
        waiting = asyncio.create_task(first(store.watch("pods", "lab", 0), 1))
        await asyncio.sleep(0)
        store.add("pods", item("one"))
        return await waiting

    assert ["one"] == [change.after["metadata"]["name"] for change in asyncio.run(scene())]


def test_changes_long_ago_are_forgotten(monkeypatch):
    """A watch from a version that is too old is refused, so that no change is missed unnoticed."""
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    store = Store()
    for number in range(7):
        store.add("pods", item(f"p{number}"))

    with pytest.raises(Refusal, match="too old resource version: 2"):
        asyncio.run(first(store.watch("pods", "lab", 2), 1))

    assert "p3" == asyncio.run(first(store.watch("pods", "lab", 3), 1))[0].after["metadata"]["name"]
