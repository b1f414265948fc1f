"""Pods that do not start, and where it stands why."""

import asyncio

import pytest

from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings, NodeSize
from tests.unit.sandbox.cluster.client import SPACE, running

NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
HELPLESS = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
IMAGE = "registry.example.com/demo:1"


def requests(**amounts):
    return {"resources": {"requests": amounts}}


def affinity(operator, *values):
    expression = {"key": "pool", "operator": operator, "values": list(values)}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"container": requests(memory="1Ti")}, f"1 Insufficient memory. {NO_VICTIMS}"),
        ({"container": {"resources": {"limits": {"memory": "1Ti"}}}}, f"1 Insufficient memory. {NO_VICTIMS}"),
        ({"container": requests(cpu="5", memory="1Ti")}, f"1 Insufficient cpu, 1 Insufficient memory. {NO_VICTIMS}"),
        ({"container": requests(**{"nvidia.com/gpu": "2"})}, f"1 Insufficient nvidia.com/gpu. {NO_VICTIMS}"),
        ({"nodeSelector": {"pool": "gpu"}}, f"1 node(s) didn't match Pod's node affinity/selector. {HELPLESS}"),
        ({"affinity": affinity("In", "gpu")}, f"1 node(s) didn't match Pod's node affinity/selector. {HELPLESS}"),
    ],
)
def test_a_pod_that_no_node_can_take(tmp_path, spec, message):
    """It stays Pending without container statuses; its condition and an event say why."""
    node = NodeSize({"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"}, labels={"pool": "cpu"})
    whole = f"0/1 nodes are available: {message}"

    async def scene():
        async with running(tmp_path, settings=ClusterSettings(node=node)) as client:
            await client.create_pod("one", ["true"], **spec)
            return await client.told("one", "FailedScheduling"), await client.get("pods/one")

    events, found = asyncio.run(scene())
    condition = found["status"]["conditions"][0]

    assert [("Warning", "FailedScheduling", whole)] == events
    assert ("Pending", whole) == (found["status"]["phase"], condition["message"])
    assert "containerStatuses" not in found["status"]


def test_a_pod_waits_for_room(tmp_path):
    """Requests of pods that run count together; when one ends the next is scheduled."""
    node = NodeSize({"memory": "3Gi"}, labels={"pool": "cpu"})
    options = {"container": requests(memory="2Gi"), "affinity": affinity("NotIn", "gpu")}

    async def scene():
        async with running(tmp_path, settings=ClusterSettings(node=node)) as client:
            await client.create_pod("one", ["sleep", "60"], **options)
            await client.reach("one", "Running")
            await client.create_pod("two", ["true"], **options)
            waited = await client.told("two", "FailedScheduling")
            await client.ask("DELETE", f"{SPACE}/pods/one?gracePeriodSeconds=0")
            await client.reach("two", "Succeeded")
            return waited

    assert [("Warning", "FailedScheduling", f"0/1 nodes are available: 1 Insufficient memory. {NO_VICTIMS}")] == (
        asyncio.run(scene())
    )


def test_an_image_that_cannot_be_pulled(tmp_path):
    """The container says first why, then that the kubelet waits before it tries again."""

    async def scene():
        async with running(tmp_path, settings=ClusterSettings(images=("other:1",))) as client:
            await client.create_pod("one", ["true"])
            first = await client.waiting("one", "ErrImagePull")
            then = await client.waiting("one", "ImagePullBackOff")
            events = await client.told("one", "BackOff")
            code, _ = await client.ask("DELETE", f"{SPACE}/pods/one")
            await client.wait_for("pods/one", 404)
            return first["message"], then["message"], events, code

    first, then, events, code = asyncio.run(scene())
    why = (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
        f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
    )

    assert (why, f'Back-off pulling image "{IMAGE}": ErrImagePull: {why}', 200) == (first, then, code)
    assert [
        ("Normal", "Pulling", f'Pulling image "{IMAGE}"'),
        ("Warning", "Failed", f'Failed to pull image "{IMAGE}": {why}'),
        ("Warning", "Failed", "Error: ErrImagePull"),
        ("Normal", "BackOff", f'Back-off pulling image "{IMAGE}"'),
    ] == events[1:5]


@pytest.mark.parametrize(
    ("container", "reason", "event", "message"),
    [
        (
            {"imagePullPolicy": "Never"},
            "ErrImageNeverPull",
            "ErrImageNeverPull",
            f'Container image "{IMAGE}" is not present with pull policy of Never',
        ),
        (
            {"image": "Demo"},
            "InvalidImageName",
            "InspectFailed",
            'Failed to apply default image tag "Demo": couldn\'t parse image name "Demo": invalid reference format',
        ),
    ],
)
def test_an_image_that_no_kubelet_pulls(tmp_path, container, reason, event, message):
    """The container waits for ever, for this reason."""

    async def scene():
        async with running(tmp_path, settings=ClusterSettings(images=())) as client:
            await client.create_pod("one", ["true"], container=container)
            return await client.waiting("one", reason), await client.told("one", event)

    waiting, events = asyncio.run(scene())

    assert {"reason": reason, "message": message} == waiting
    assert [("Warning", event, message), ("Warning", "Failed", f"Error: {reason}")] == events[1:]


def test_a_volume_of_a_secret_that_is_missing(tmp_path):
    """An event says so; the container is still being created."""
    volumes = [{"name": "keys", "secret": {"secretName": "none"}}]

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["true"], volumes=volumes)
            events = await client.told("one", "FailedMount")
            return events, await client.waiting("one", "ContainerCreating")

    events, _ = asyncio.run(scene())

    message = 'MountVolume.SetUp failed for volume "keys" : secret "none" not found'
    assert ("Warning", "FailedMount", message) == events[-1]
