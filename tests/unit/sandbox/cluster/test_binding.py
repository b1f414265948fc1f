"""How claims are bound to volumes, and what a claim says that is not."""

import asyncio

import pytest

from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings, StorageClass
from tests.unit.sandbox.cluster.client import SPACE, claim, mounted, running

DATA = "/home/kedro_docker/data"
ONE_WRITER = StorageClass(("ReadWriteOnce", "ReadWriteOncePod"))
UNBOUND = (
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. "
    "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)


def test_a_claim_is_pending_until_it_is_bound(tmp_path):
    """The answer to its creation says so; a moment later it has a volume, and says where from."""

    async def scene():
        async with running(tmp_path) as client:
            _, created = await client.ask("POST", f"{SPACE}/persistentvolumeclaims", claim("data"))
            events = await client.told("data", "ProvisioningSucceeded")
            return created, events, await client.get("persistentvolumeclaims/data")

    created, events, bound = asyncio.run(scene())
    volume = f"pvc-{created['metadata']['uid']}"

    assert {"phase": "Pending"} == created["status"]
    assert [("Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {volume}")] == events
    assert ("Bound", volume) == (bound["status"]["phase"], bound["spec"]["volumeName"])


@pytest.mark.parametrize(
    ("spec", "event"),
    [
        (
            {"storageClassName": "fast"},
            ("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
        ),
        (
            {"accessModes": ["ReadWriteMany"]},
            (
                "Warning",
                "ProvisioningFailed",
                'failed to provision volume with StorageClass "standard": the provisioner only supports access mode '
                "ReadWriteOnce, ReadWriteOncePod, not ReadWriteMany",
            ),
        ),
        (
            {"storageClassName": ""},
            (
                "Normal",
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            ),
        ),
    ],
)
def test_a_claim_that_cannot_be_bound(tmp_path, spec, event):
    """It stays Pending, its own event says why, and its pod's event says only that it is not bound."""
    settings = ClusterSettings(storage_classes={"standard": ONE_WRITER})

    async def scene():
        async with running(tmp_path, settings=settings) as client:
            await client.create_claim("data", **spec)
            await client.create_pod("one", ["true"], **mounted("data", DATA))
            of_claim, of_pod = await client.told("data", event[1]), await client.told("one", "FailedScheduling")
            return of_claim, of_pod, await client.get("persistentvolumeclaims/data")

    of_claim, of_pod, found = asyncio.run(scene())

    assert [event] == of_claim
    assert [("Warning", "FailedScheduling", UNBOUND)] == of_pod
    assert {"phase": "Pending"} == found["status"]


def test_a_claim_that_waits_for_its_first_pod(tmp_path):
    """It is bound when a pod that mounts it is scheduled."""
    settings = ClusterSettings(storage_classes={"standard": StorageClass(waits_for_consumer=True)})

    async def scene():
        async with running(tmp_path, settings=settings) as client:
            await client.create_claim("data")
            events = await client.told("data", "WaitForFirstConsumer")
            before = await client.get("persistentvolumeclaims/data")
            await client.run_pod("one", ["true"], **mounted("data", DATA))
            return events, before, await client.get("persistentvolumeclaims/data")

    events, before, after = asyncio.run(scene())

    assert [("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")] == events
    assert ("Pending", "Bound") == (before["status"]["phase"], after["status"]["phase"])


def test_claims_are_listed_by_their_labels(tmp_path):
    """As those of the runs of one DAG are."""

    async def scene():
        async with running(tmp_path) as client:
            for name, dag in (("one", "a"), ("two", "b"), ("three", "a")):
                body = claim(name)
                body["metadata"]["labels"] = {"dag_id": dag}
                await client.ask("POST", f"{SPACE}/persistentvolumeclaims", body)
            found = await client.get("persistentvolumeclaims", labelSelector="dag_id=a")
            return [item["metadata"]["name"] for item in found["items"]]

    assert ["one", "three"] == asyncio.run(scene())


def test_events_of_a_claim_are_found_by_its_kind_and_uid(tmp_path):
    """A pod of the same name has its own."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_claim("data", storageClassName="fast")
            await client.run_pod("data", ["true"])
            await client.told("data", "ProvisioningFailed")
            uid = (await client.get("persistentvolumeclaims/data"))["metadata"]["uid"]
            selector = f"involvedObject.kind=PersistentVolumeClaim,involvedObject.uid={uid}"
            return [item["reason"] for item in (await client.get("events", fieldSelector=selector))["items"]]

    assert ["ProvisioningFailed"] == asyncio.run(scene())
