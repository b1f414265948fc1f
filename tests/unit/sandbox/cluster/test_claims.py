"""Claims, and the pods that use them."""

import asyncio

from tests.unit.sandbox.cluster.client import SPACE, claim, mounted, python, running

CLAIM = f"{SPACE}/persistentvolumeclaims/data"
DATA = "/home/kedro_docker/data"


def test_a_claim_is_bound_to_an_empty_folder(tmp_path):
    """It is bound at once, with the class and the capacity of a cluster's default."""

    async def scene():
        async with running(tmp_path) as client:
            folder = await client.create_claim("data")
            return await client.get("persistentvolumeclaims/data"), list(folder.iterdir())

    found, files = asyncio.run(scene())

    assert {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}} == found["status"]
    assert ("standard", "Filesystem") == (found["spec"]["storageClassName"], found["spec"]["volumeMode"])
    assert [] == files


def test_pods_share_a_claim_and_nothing_else(tmp_path):
    """What one pod writes below its mount the next one reads; what the image holds there is hidden."""
    code = "import os; print(sorted(os.listdir('data')), sorted(os.listdir('.'))); open('data/x', 'w'); open('y', 'w')"

    async def scene():
        async with running(tmp_path, files={"data/of_image": "", "a.py": ""}) as client:
            await client.create_claim("data")
            await client.run_pod("one", python(code), **mounted("data", DATA))
            await client.run_pod("two", python(code), **mounted("data", DATA))
            return [(await client.log(name)).decode() for name in ("one", "two")]

    assert ["[] ['a.py', 'data']\n", "['x'] ['a.py', 'data']\n"] == asyncio.run(scene())


def test_the_images_data_can_be_copied_into_a_claim(tmp_path):
    """A pod that mounts the claim elsewhere sees the image's data."""
    command = ["sh", "-c", f"cp -r {DATA}/. /claim/"]

    async def scene():
        async with running(tmp_path, files={"data/raw/a.csv": "1"}) as client:
            folder = await client.create_claim("data")
            options = mounted("data", "/claim")
            options["container"]["command"] = command
            ended = await client.run_pod("one", [], **options)
            return ended["status"]["phase"], (folder / "raw" / "a.csv").read_text(encoding="utf-8")

    assert ("Succeeded", "1") == asyncio.run(scene())


def test_a_folder_of_a_claim_is_mounted_alone(tmp_path):
    """A subPath that is missing is made."""

    async def scene():
        async with running(tmp_path) as client:
            folder = await client.create_claim("data")
            await client.run_pod("one", python("open('data/x', 'w')"), **mounted("data", DATA, subPath="a/b"))
            return [str(path.relative_to(folder)) for path in folder.rglob("x")]

    assert ["a/b/x"] == asyncio.run(scene())


def test_a_pod_waits_for_its_claim(tmp_path):
    """Until the claim exists the pod cannot be scheduled, and says why."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["true"], **mounted("data", DATA))
            while not (found := await client.get("pods/one"))["status"].get("conditions"):
                await asyncio.sleep(0.01)
            events = await client.events("one")
            await client.create_claim("data")
            ended = await client.reach("one", "Succeeded")
            return found["status"], events, ended["status"]["conditions"][0]

    waiting, events, scheduled = asyncio.run(scene())
    condition = waiting["conditions"][0]
    message = (
        '0/1 nodes are available: persistentvolumeclaim "data" not found. '
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )

    assert ("Pending", "PodScheduled", "False", "Unschedulable", message) == (
        waiting["phase"],
        *(condition[key] for key in ("type", "status", "reason", "message")),
    )
    assert [("FailedScheduling", message)] == events
    assert ("PodScheduled", "True") == (scheduled["type"], scheduled["status"])


def test_a_claim_goes_with_the_last_pod_that_names_it(tmp_path):
    """Until then it is there with the time of its deletion, its name is taken, and no new pod gets it.

    A pod that has ended is in the way as much as one that runs.
    """

    async def scene():
        async with running(tmp_path) as client:
            folder = await client.create_claim("data")
            script = ["sh", "-c", "until [ -e data/go ]; do sleep 0.02; done; touch data/x"]
            await client.create_pod("one", script, **mounted("data", DATA))
            await client.reach("one", "Running")
            code, deleted = await client.ask("DELETE", CLAIM)
            await client.create_pod("two", ["true"], **mounted("data", DATA))
            again = await client.ask("POST", f"{SPACE}/persistentvolumeclaims", claim("data"))
            still = folder.is_dir()
            (folder / "go").touch()
            await client.reach("one", "Succeeded")
            held = await client.get("persistentvolumeclaims/data")
            await client.ask("DELETE", f"{SPACE}/pods/one")
            gone = await client.ask("GET", CLAIM)
            return code, deleted, again, still, held, gone[0], folder.exists(), await client.events("two")

    code, deleted, (conflict, again), still, held, gone, left, events = asyncio.run(scene())

    assert (200, "Bound") == (code, deleted["status"]["phase"])
    assert "deletionTimestamp" in deleted["metadata"]
    assert (409, 'object is being deleted: persistentvolumeclaims "data" already exists') == (
        conflict,
        again["message"],
    )
    assert held["metadata"] == deleted["metadata"]
    assert held["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert (True, 404, False) == (still, gone, left)
    assert 'persistentvolumeclaim "data" is being deleted' in events[0][1]


def test_a_claim_that_nobody_uses_goes_at_once(tmp_path):
    """A new claim of the same name begins empty."""

    async def scene():
        async with running(tmp_path) as client:
            folder = await client.create_claim("data")
            await client.run_pod("one", python("open('data/x', 'w')"), **mounted("data", DATA))
            await client.ask("DELETE", f"{SPACE}/pods/one")
            await client.ask("DELETE", CLAIM)
            await client.wait_for("persistentvolumeclaims/data", 404)
            await client.create_claim("data")
            return list(folder.iterdir())

    assert [] == asyncio.run(scene())
