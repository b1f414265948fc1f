"""Pods that pass a limit."""

import asyncio

from tests.unit.sandbox.cluster.client import python, running


def limited(**limits):
    return {"resources": {"limits": limits}}


def test_a_container_out_of_memory(tmp_path):
    """It is killed at its limit, with a cluster's reason and exit code; what its children take counts too."""
    code = "import time; a = bytearray(300 * 1024 ** 2); time.sleep(60)"
    child = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {code!r}]))"

    async def scene():
        async with running(tmp_path) as client:
            own = await client.run_pod("one", python(code), container=limited(memory="100Mi"))
            its_childs = await client.run_pod("two", python(child), container=limited(memory="100Mi"))
            within = await client.run_pod("three", ["true"], container=limited(memory="100Mi"))
            return [found["status"] for found in (own, its_childs, within)]

    found = asyncio.run(scene())

    ended = [status["containerStatuses"][0]["state"]["terminated"] for status in found]
    assert [("Failed", "OOMKilled", 137), ("Failed", "OOMKilled", 137), ("Succeeded", "Completed", 0)] == [
        (status["phase"], state["reason"], state["exitCode"]) for status, state in zip(found, ended, strict=True)
    ]


def test_a_pod_that_fills_its_disk_is_evicted(tmp_path):
    """It fails with the kubelet's reason and message."""
    code = "import time; open('x', 'wb').write(bytes(2 * 1024 ** 2)); time.sleep(60)"

    async def scene():
        async with running(tmp_path) as client:
            ended = await client.run_pod("one", python(code), container=limited(**{"ephemeral-storage": "1Mi"}))
            return ended["status"], await client.told("one", "Evicted")

    status, events = asyncio.run(scene())

    message = "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. "
    assert ("Failed", "Evicted", message) == (status["phase"], status["reason"], status["message"])
    assert ("Warning", "Evicted", message) in events
