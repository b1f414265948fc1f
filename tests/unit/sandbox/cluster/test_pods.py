"""Pods from their creation to their end, run by a real cluster on loopback."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path, PurePosixPath

import psutil
import pytest

from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.kubernetes import Cluster
from tests.unit.sandbox.cluster.client import SPACE, changes, mounted, pod, python, running


def state(found, name="base"):
    statuses = found["status"]["containerStatuses"]
    return next(status["state"] for status in statuses if status["name"] == name)


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_pod_that_succeeds(tmp_path):
    """A pod ends with the statuses, the conditions and the events of a kubelet."""

    async def scene():
        async with running(tmp_path) as client:
            created = await client.create_pod("one", python("print('hi')"))
            return created, await client.reach("one", "Succeeded"), await client.events("one")

    created, ended, events = asyncio.run(scene())
    terminated = state(ended)["terminated"]

    assert ("Pending", "BestEffort") == (created["status"]["phase"], created["status"]["qosClass"])
    assert (0, "Completed") == (terminated["exitCode"], terminated["reason"])
    assert terminated["startedAt"] <= terminated["finishedAt"]
    assert {"PodScheduled": "True", "Initialized": "True", "ContainersReady": "False", "Ready": "False"} == {
        item["type"]: item["status"] for item in ended["status"]["conditions"]
    }
    assert ["Scheduled", "Pulled", "Created", "Started"] == [reason for reason, _ in events]


def test_a_pod_that_fails(tmp_path):
    """The exit code of the process is that of the container, and its last lines the message if the pod wants that."""
    code = python("import sys; print('going down'); sys.exit(7)")

    async def scene():
        async with running(tmp_path) as client:
            policy = {"terminationMessagePolicy": "FallbackToLogsOnError"}
            return await client.run_pod("one", code, container=policy)

    ended = asyncio.run(scene())

    assert "Failed" == ended["status"]["phase"]
    assert (7, "Error", "going down\n") == tuple(
        state(ended)["terminated"][key] for key in ("exitCode", "reason", "message")
    )


def test_a_program_that_is_missing(tmp_path):
    """It is told as a container runtime tells it, with exit code 128."""

    async def scene():
        async with running(tmp_path) as client:
            ended = await client.run_pod("one", ["no-such-program"])
            return ended, await client.log("one", follow="true"), await client.events("one")

    ended, log, events = asyncio.run(scene())
    terminated = state(ended)["terminated"]

    assert ("Failed", 128, "StartError") == (ended["status"]["phase"], terminated["exitCode"], terminated["reason"])
    assert 'exec: "no-such-program": executable file not found in $PATH' in terminated["message"]
    assert b"" == log
    assert "Failed" == events[-1][0]


def test_only_the_pods_own_environment_arrives(tmp_path, monkeypatch):
    """A process sees its variables as they were written and what an image gives, and nothing of this machine's."""
    monkeypatch.setenv("SECRET_OF_THE_MACHINE", "x")
    text = "a  b\n'\"\\ $HOME `ls` $(ls) é ☃ {{ x }} = ,"
    env = [{"name": "TEXT", "value": text}, {"name": "EMPTY"}, {"name": "LANG", "value": "de"}]

    async def scene():
        async with running(tmp_path) as client:
            container = {"env": [*env, {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}
            code = "import json, os; print(json.dumps(dict(os.environ)))"
            await client.run_pod("one", python(code), container=container)
            return json.loads(await client.log("one")), client.root

    found, root = asyncio.run(scene())

    assert (text, "", "de", "one") == (found["TEXT"], found["EMPTY"], found["LANG"], found["NAME"])
    assert {"TEXT", "EMPTY", "NAME", "PATH", "HOME", "TMPDIR", "LANG", "HOSTNAME"} == found.keys() - {"LC_CTYPE"}
    assert f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin" == found["PATH"]
    assert found["HOME"].startswith(str(root / "pods"))


def test_arguments_arrive_as_they_are(tmp_path):
    """No shell reads them; Kubernetes itself expands a variable of the pod."""
    words = ["a b", "", "$(ls);*", "'\"", "--params=a:1,b:/home/kedro_docker/x", "$(X)", "é"]

    async def scene():
        async with running(tmp_path) as client:
            code = "import json, sys; print(json.dumps(sys.argv[1:]))"
            await client.run_pod("one", [*python(code), *words], container={"env": [{"name": "X", "value": "1 2"}]})
            return json.loads(await client.log("one"))

    assert [*words[:5], "1 2", "é"] == asyncio.run(scene())


def test_a_pod_works_in_a_copy_of_the_project(tmp_path):
    """It starts in the image's project, and what it writes is neither in the real project nor in another pod."""
    code = "import os; print(os.getcwd(), os.listdir(), open('a.txt').read()); open('a.txt', 'w').write('changed')"

    async def scene():
        async with running(tmp_path, files={"a.txt": "original"}) as client:
            for name in ("one", "two"):
                await client.run_pod(name, python(code))
            return (await client.log("one")).decode(), (await client.log("two")).decode()

    logs = asyncio.run(scene())

    assert all(log.endswith("/home/kedro_docker ['a.txt'] original\n") for log in logs)
    assert logs[0].split()[0] != logs[1].split()[0]
    assert "original" == (tmp_path / "project" / "a.txt").read_text(encoding="utf-8")


def test_a_working_directory_and_a_command_of_the_pods_own(tmp_path):
    """A command finds the image's paths; a working directory that is missing is made."""
    command = ["sh", "-c", 'pwd; cat /home/kedro_docker/a.txt; echo "$0"']

    async def scene():
        async with running(tmp_path, files={"a.txt": "hello\n"}) as client:
            await client.run_pod("one", ["x"], container={"command": command, "workingDir": "/work/here"})
            return (await client.log("one")).decode().splitlines()

    folder, *rest = asyncio.run(scene())

    assert folder.endswith("/work/here")
    assert ["hello", "x"] == rest


def test_a_pod_without_arguments_runs_the_image(tmp_path):
    """The image's own command is `kedro run`, found beside the project's Python."""

    kedro = tmp_path / "bin" / "kedro"
    kedro.parent.mkdir()
    kedro.write_text('#!/bin/sh\necho kedro "$@"', encoding="utf-8")
    kedro.chmod(0o755)
    body = pod("one", [])
    del body["spec"]["containers"][0]["args"]

    async def scene():
        async with running(tmp_path, python=tmp_path / "bin" / "python") as client:
            await client.ask("POST", f"{SPACE}/pods", body)
            await client.reach("one", "Succeeded")
            return await client.log("one")

    assert b"kedro run\n" == asyncio.run(scene())


def test_secrets_in_the_environment_and_in_a_folder(tmp_path):
    """Every key is a variable or a file, as the pod wants; one file may be mounted alone."""
    secrets = {"login": {"USER": "me", "PASSWORD": "p w"}}
    volumes = [{"name": "s", "secret": {"secretName": "login", "items": [{"key": "USER", "path": "deep/user"}]}}]
    mounts = [
        {"name": "s", "mountPath": "/home/kedro_docker/secret"},
        {"name": "s", "mountPath": "/home/kedro_docker/conf/user.txt", "subPath": "deep/user"},
    ]
    code = "import os; print(os.environ['PASSWORD'], open('secret/deep/user').read(), open('conf/user.txt').read())"

    async def scene():
        async with running(tmp_path, files={"conf/user.txt": "of the image"}, secrets=secrets) as client:
            container = {"envFrom": [{"secretRef": {"name": "login"}}], "volumeMounts": mounts}
            await client.run_pod("one", python(code), container=container, volumes=volumes)
            return await client.log("one")

    assert b"p w me me\n" == asyncio.run(scene())


def test_a_secret_lies_in_its_volume_as_a_kubelet_lays_it(tmp_path):
    """Files are links into a hidden folder; with a subPath the file itself is mounted, and hides nothing beside it."""
    secrets = {"keys": {"a.yml": "A", "b.yml": "B"}}
    volumes = [
        {"name": "all", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "one", "secret": {"secretName": "keys", "items": [{"key": "b.yml", "path": "deep/c.yml"}]}},
    ]
    mounts = [
        {"name": "all", "mountPath": "/home/kedro_docker/all"},
        {"name": "one", "mountPath": "/home/kedro_docker/one"},
        {"name": "one", "mountPath": "/home/kedro_docker/conf/c.yml", "subPath": "deep/c.yml"},
    ]
    code = (
        "import json, os\n"
        "print(json.dumps([sorted(os.listdir('all')), os.readlink('all/a.yml'), os.readlink('all/..data')[:4],"
        " open('all/a.yml').read(), oct(os.stat('all/a.yml').st_mode & 0o777), os.readlink('one/deep'),"
        " sorted(os.listdir('conf')), os.path.islink('conf/c.yml'), open('conf/c.yml').read()]))"
    )

    async def scene():
        async with running(tmp_path, files={"conf/catalog.yml": ""}, secrets=secrets) as client:
            await client.run_pod("one", python(code), volumes=volumes, container={"volumeMounts": mounts})
            return json.loads(await client.log("one"))

    names, link, data, text, mode, deep, beside, is_link, alone = asyncio.run(scene())

    assert [".._", "..data", "a.yml", "b.yml"] == [names[0][:2] + "_", *names[1:]]
    assert ("..data/a.yml", "..20", "A", "0o400") == (link, data, text, mode)
    assert ("..data/deep", ["c.yml", "catalog.yml"], False, "B") == (deep, beside, is_link, alone)


def test_a_missing_secret_leaves_the_pod_waiting(tmp_path):
    """The pod is Pending with the kubelet's reason until it is deleted, and its log cannot be read."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["x"], container={"envFrom": [{"secretRef": {"name": "none"}}]})
            while "CreateContainerConfigError" not in str(found := await client.get("pods/one")):
                await asyncio.sleep(0.01)
            answer = await client.ask("GET", f"{SPACE}/pods/one/log")
            events = await client.events("one")
            await client.ask("DELETE", f"{SPACE}/pods/one")
            await client.wait_for("pods/one", 404)
            return found, answer, events

    found, (code, answer), events = asyncio.run(scene())

    assert "Pending" == found["status"]["phase"]
    assert {"reason": "CreateContainerConfigError", "message": 'secret "none" not found'} == state(found)["waiting"]
    assert ("Failed", 'Error: secret "none" not found') == events[-1]
    assert (400, 'container "base" in pod "one" is waiting to start: CreateContainerConfigError') == (
        code,
        answer["message"],
    )


def test_an_image_whose_name_is_none(tmp_path):
    """The provider gives up at once on this reason."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["x"], container={"image": "registry/Demo:1"})
            while "waiting" not in state(found := await client.get("pods/one")) or "Invalid" not in str(state(found)):
                await asyncio.sleep(0.01)
            return state(found)["waiting"]["reason"]

    assert "InvalidImageName" == asyncio.run(scene())


def test_deletion_lets_a_process_end_in_its_own_way(tmp_path):
    """SIGTERM comes first; the pod shows when it is to go, goes when it has ended, and so do its files."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(3)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )

    async def scene():
        async with running(tmp_path) as client:
            created = await client.create_pod("one", python(code))
            await client.reach("one", "Running")
            while b"ready" not in await client.log("one"):
                await asyncio.sleep(0.01)
            following = asyncio.create_task(client.log("one", follow="true"))
            await asyncio.sleep(0.05)
            code_, deleted = await client.ask("DELETE", f"{SPACE}/pods/one", {"gracePeriodSeconds": 20})
            gone = await client.wait_for("pods/one", 404)
            await asyncio.sleep(0.1)
            left = list((client.root / "pods").iterdir())
            return created, code_, deleted, await following, gone, left

    created, code_, deleted, log, gone, left = asyncio.run(scene())

    assert (200, 20) == (code_, deleted["metadata"]["deletionGracePeriodSeconds"])
    assert deleted["metadata"]["deletionTimestamp"] > created["metadata"]["creationTimestamp"]
    assert b"ready\nbye\n" == log
    assert 'pods "one" not found' == gone["message"]
    assert [] == left


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells which signals a process handles")
def test_process_1_of_a_container_has_no_default_handlers(tmp_path):
    """A program without a handler for SIGTERM lives to the end of its grace period, and is listed until then."""
    code = "import time; print('ready', flush=True); time.sleep(60)"

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", python(code), terminationGracePeriodSeconds=1)
            while b"ready" not in await client.log_if_any("one"):
                await asyncio.sleep(0.01)
            watch = await client.watch("pods")
            started = time.monotonic()
            await client.ask("DELETE", f"{SPACE}/pods/one")
            again, _ = await client.ask("DELETE", f"{SPACE}/pods/one")
            listed = await client.get("pods")
            return again, listed["items"], await changes(watch), time.monotonic() - started

    again, listed, seen, seconds = asyncio.run(scene())

    assert 200 == again
    assert [("one", "Running", True)] == [
        (item["metadata"]["name"], item["status"]["phase"], "deletionTimestamp" in item["metadata"]) for item in listed
    ]
    assert 0.9 < seconds < 5
    terminated = state(seen[-1]["object"])["terminated"]
    assert (137, "Error") == (terminated["exitCode"], terminated["reason"])


@pytest.mark.parametrize(
    ("spec", "script"),
    [
        ({"shareProcessNamespace": True}, "echo ready; sleep 60 & wait"),
        ({}, "trap 'exit 143' TERM; echo ready; sleep 60 & wait"),
    ],
)
def test_sigterm_ends_a_program_at_once(tmp_path, spec, script):
    """It does if the program handles it, or if the pause container is process 1 of the pod."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["sh", "-c", script], **spec)
            while b"ready" not in await client.log_if_any("one"):
                await asyncio.sleep(0.01)
            watch = await client.watch("pods")
            await client.ask("DELETE", f"{SPACE}/pods/one")
            return await changes(watch)

    assert 143 == state(asyncio.run(scene())[-1]["object"])["terminated"]["exitCode"]


def test_a_process_that_does_not_end_is_killed(tmp_path):
    """After the grace period nothing of its process group is left."""
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", python(code))
            await client.reach("one", "Running")
            while len(pids := (await client.log("one")).split()) < 2:
                await asyncio.sleep(0.01)
            started = time.monotonic()
            await client.ask("DELETE", f"{SPACE}/pods/one?gracePeriodSeconds=1")
            still = await client.get("pods/one")
            await client.wait_for("pods/one", 404)
            return still, time.monotonic() - started, [alive(int(pid)) for pid in pids]

    still, seconds, left = asyncio.run(scene())

    assert "Running" == still["status"]["phase"]
    assert 0.9 < seconds < 5
    assert [False, False] == left


def test_deletion_without_grace(tmp_path):
    """The object goes at once, its name is free, and its process is killed."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", python("import os, time; print(os.getpid(), flush=True); time.sleep(60)"))
            await client.reach("one", "Running")
            while not (log := await client.log("one")):
                await asyncio.sleep(0.01)
            await client.ask("DELETE", f"{SPACE}/pods/one?gracePeriodSeconds=0")
            code, _ = await client.ask("GET", f"{SPACE}/pods/one")
            again = await client.run_pod("one", ["true"])
            return code, again["status"]["phase"], alive(int(log))

    assert (404, "Succeeded", False) == asyncio.run(scene())


def test_what_a_process_leaves_behind_ends_with_it(tmp_path):
    """As in a container nothing outlives the first process, not even in a session of its own."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "print(child.pid, flush=True)"
    )

    async def scene():
        async with running(tmp_path) as client:
            ended = await client.run_pod("one", python(code))
            return ended["status"]["phase"], alive(int(await client.log("one")))

    assert ("Succeeded", False) == asyncio.run(scene())


def test_a_pod_killed_by_a_signal(tmp_path):
    """The exit code is 128 and the signal's number, as for a container out of memory."""

    async def scene():
        async with running(tmp_path) as client:
            return await client.run_pod("one", python("import os; os.kill(os.getpid(), 9)"))

    assert 137 == state(asyncio.run(scene()))["terminated"]["exitCode"]


def test_a_deadline_ends_the_pod(tmp_path):
    """A pod that is active for too long fails with that reason."""

    async def scene():
        async with running(tmp_path) as client:
            options = {"activeDeadlineSeconds": 1, "shareProcessNamespace": True}
            return await client.run_pod("one", ["sleep", "60"], **options)

    ended = asyncio.run(scene())

    assert ("Failed", "DeadlineExceeded") == (ended["status"]["phase"], ended["status"]["reason"])
    assert 143 == state(ended)["terminated"]["exitCode"]


def test_init_containers_come_first(tmp_path):
    """They run one after the other in files of their own, sharing the pod's volumes; one that fails ends the pod."""
    volumes = [{"name": "v", "emptyDir": {}}]
    mounts = [{"name": "v", "mountPath": "/home/kedro_docker/shared"}]

    def container(name, script):
        command = ["sh", "-c", script]
        return {"name": name, "image": "a", "command": command, "volumeMounts": mounts}

    first = [container("a", "echo a > shared/x; touch private"), container("b", "echo b >> shared/x")]

    async def scene():
        async with running(tmp_path) as client:
            main = {"command": ["sh", "-c", "cat shared/x; ls"], "volumeMounts": mounts}
            await client.run_pod("one", [], container=main, volumes=volumes, initContainers=first)
            broken = [container("c", "exit 4")]
            failed = await client.run_pod("two", ["true"], volumes=volumes, initContainers=broken)
            return await client.log("one"), failed

    log, failed = asyncio.run(scene())

    assert b"a\nb\nshared\n" == log
    assert ("Failed", 4) == (
        failed["status"]["phase"],
        failed["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"],
    )
    assert "PodInitializing" == state(failed)["waiting"]["reason"]


def test_containers_of_one_pod_run_side_by_side(tmp_path):
    """The pod runs as long as one of them does, and each has a log of its own."""

    waits = "echo side; until [ -e /claim/go ]; do sleep 0.02; done; exit 2"

    async def scene():
        async with running(tmp_path) as client:
            folder = await client.create_claim("data")
            options = mounted("data", "/claim")
            body = pod("one", ["sh", "-c", "echo main"], volumes=options["volumes"])
            side = {"name": "side", "image": "a", "command": ["sh", "-c", waits], **options["container"]}
            body["spec"]["containers"].append(side)
            await client.ask("POST", f"{SPACE}/pods", body)
            while "terminated" not in state(await client.get("pods/one")):
                await asyncio.sleep(0.01)
            between = await client.reach("one", "Running", "Failed")
            (folder / "go").touch()
            ended = await client.reach("one", "Failed", "Succeeded")
            logs = [await client.log("one", container=name) for name in ("base", "side")]
            unnamed = await client.ask("GET", f"{SPACE}/pods/one/log")
            return between, ended, logs, unnamed

    between, ended, logs, (code, unnamed) = asyncio.run(scene())

    assert ("Running", "Failed") == (between["status"]["phase"], ended["status"]["phase"])
    assert [b"main\n", b"side\n"] == logs
    assert (400, "a container name must be specified for pod one, choose one of: [base side]") == (
        code,
        unnamed["message"],
    )


def test_a_mount_cannot_lead_out_of_the_pod(tmp_path):
    """A link in the image does not make a mount replace files of this machine."""
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)

    async def scene():
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "link").symlink_to(outside)
        (tmp_path / "project").rename(tmp_path / "other")
        async with running(tmp_path) as client:
            (client.root / "image" / "home" / "kedro_docker" / "link").symlink_to(outside)
            await client.create_claim("data")
            return await client.run_pod("one", ["true"], **mounted("data", "/home/kedro_docker/link/kept"))

    ended = asyncio.run(scene())

    assert "leads outside of the container" in state(ended)["terminated"]["message"]
    assert (outside / "kept").is_dir()


def test_many_pods_at_once(tmp_path):
    """Twenty pods run side by side, each followed to its end with all that it printed."""
    code = "import time\nfor i in range(20): print(i, 'x' * 5000, flush=True); time.sleep(0.01)"

    async def scene():
        async with running(tmp_path, files={"a.py": "x"}) as client:

            async def one(name):
                await client.create_pod(name, python(code))
                await client.reach(name, "Running", "Succeeded")
                log = await client.log(name, follow="true")
                ended = await client.get(f"pods/{name}")
                await client.ask("DELETE", f"{SPACE}/pods/{name}")
                return len(log.splitlines()), state(ended)

            found = await asyncio.gather(*(one(f"p{number}") for number in range(20)))
            return found, await client.get("pods")

    found, left = asyncio.run(scene())

    assert [20] * 20 == [count for count, _ in found]
    assert all(ended["terminated"]["exitCode"] == 0 for _, ended in found)
    assert [] == left["items"]


def test_stopping_leaves_nothing_running(tmp_path):
    """Every process of every pod is killed, and the port is closed, whatever still waits for an answer."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["sh", "-c", "trap '' TERM; sleep 60 & echo $$$$ $!; wait"])
            await client.create_pod("two", ["true"], container={"envFrom": [{"secretRef": {"name": "none"}}]})
            await client.create_pod("three", ["true"], **mounted("missing", "/a"))
            await client.reach("one", "Running")
            while not (pids := (await client.log("one")).split()):
                await asyncio.sleep(0.01)
            tasks = [
                asyncio.create_task(client.log("one", follow="true")),
                asyncio.create_task(client.ask("GET", f"{SPACE}/pods?watch=true")),
            ]
            await asyncio.sleep(0.05)
            started = time.monotonic()
            await client.cluster.stop()
            seconds = time.monotonic() - started
            await asyncio.gather(*tasks, return_exceptions=True)
            return seconds, [alive(int(pid)) for pid in pids]

    seconds, left = asyncio.run(scene())

    assert [False, False] == left
    assert seconds < 5


def test_stopping_while_files_are_copied(tmp_path, monkeypatch):
    """A large project does not hold up the end."""
    copied = []

    def slow(source, target):
        copied.append(source)
        time.sleep(0.05)

    async def scene():
        async with running(tmp_path, files={f"f{number}": "" for number in range(200)}) as client:
            monkeypatch.setattr("shutil.copy2", slow)
            await client.create_pod("one", ["true"])
            while not copied:
                await asyncio.sleep(0.01)
            await client.cluster.stop()
            return len(copied)

    assert asyncio.run(scene()) < 10


def test_a_start_that_is_cancelled(tmp_path, monkeypatch):
    """Nor does it when the cluster is not even up."""
    copied = []

    def slow(source, target):
        copied.append(source)
        time.sleep(0.05)

    async def scene():
        (tmp_path / "project").mkdir()
        for number in range(200):
            (tmp_path / "project" / f"f{number}").touch()
        image = Image(tmp_path / "project", PurePosixPath("/home/kedro_docker"), Path(sys.executable))
        cluster = Cluster(image=image, root=tmp_path / "cluster", secrets={})
        monkeypatch.setattr("shutil.copy2", slow)
        starting = asyncio.create_task(cluster.start())
        while not copied:
            await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await cluster.stop()
        return starting.cancelled()

    assert asyncio.run(scene())
    assert len(copied) < 10


def test_descriptors_do_not_run_out(tmp_path):
    """A pod that ended holds no file open."""

    async def scene():
        async with running(tmp_path) as client:
            await client.run_pod("first", ["true"])
            before = len(os.listdir("/dev/fd"))
            for number in range(5):
                await client.run_pod(f"p{number}", ["true"])
                await client.run_pod(f"q{number}", ["no-such-program"])
            return len(os.listdir("/dev/fd")) - before

    assert 0 >= asyncio.run(scene())
