"""Commands run in a container that runs already."""

import asyncio
import json

import psutil
import pytest

from tests.unit.sandbox.cluster.client import SPACE, pod, running

STDIN, STDOUT, STDERR, ERROR = range(4)


async def execute(client, name, *words, write=(), protocol="v4.channel.k8s.io", container="base"):
    """Run a command in a pod; return what came on each channel, the last one as JSON."""
    query = [("command", word) for word in words] + [("stdout", "true"), ("stderr", "true"), ("container", container)]
    if write:
        query.append(("stdin", "true"))
    found = {STDOUT: b"", STDERR: b"", ERROR: b""}
    url = f"{SPACE}/pods/{name}/exec"
    async with client.session.ws_connect(url, params=query, protocols=(protocol,)) as socket:
        for data in write:
            await socket.send_bytes(data)
        async for message in socket:
            found[message.data[0]] += message.data[1:]
    return found[STDOUT], found[STDERR], json.loads(found[ERROR] or "null")


def ran(tmp_path, *words, files=None, **options):
    async def scene():
        async with running(tmp_path, files=files) as client:
            await client.create_pod("one", ["sleep", "60"], container={"env": [{"name": "A", "value": "a b"}]})
            await client.reach("one", "Running")
            return await execute(client, "one", *words, **options)

    return asyncio.run(scene())


def test_both_streams_and_the_end_arrive(tmp_path):
    """The command has the container's variables, folder and paths; each stream has its channel."""
    script = 'echo "$A"; cat /home/kedro_docker/f; cat f >&2'

    out, err, status = ran(tmp_path, "sh", "-c", script, files={"f": "file"})

    assert (b"a b\nfile", b"file") == (out, err)
    assert {"metadata": {}, "status": "Success"} == status


def test_the_exit_code_arrives(tmp_path):
    """It is in the status of the last channel, where clients look for it."""
    _, _, status = ran(tmp_path, "sh", "-c", "exit 3")

    assert ("Failure", "NonZeroExitCode") == (status["status"], status["reason"])
    assert [{"reason": "ExitCode", "message": "3"}] == status["details"]["causes"]


def test_a_command_that_is_missing(tmp_path):
    """It is told in the status."""
    _, _, status = ran(tmp_path, "no-such-program")

    assert "executable file not found in $PATH" in status["message"]


def test_standard_input_is_handed_on(tmp_path):
    """Channel 0 is the command's input, which version 5 of the protocol can close."""
    write = [b"\0one\n", b"\0two\n", bytes([255, STDIN])]

    out, _, status = ran(tmp_path, "cat", write=write, protocol="v5.channel.k8s.io")

    assert (b"one\ntwo\n", "Success") == (out, status["status"])


def test_a_client_that_goes_ends_its_command(tmp_path):
    """What it started does not run on."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["sleep", "60"])
            await client.reach("one", "Running")
            query = [("command", word) for word in ("sh", "-c", "echo $$; sleep 60")] + [("stdout", "1")]
            async with client.session.ws_connect(f"{SPACE}/pods/one/exec", params=query) as socket:
                pid = int((await socket.receive()).data[1:])
            for _ in range(100):
                if not psutil.pid_exists(pid):
                    break
                await asyncio.sleep(0.02)
            return psutil.pid_exists(pid)

    assert not asyncio.run(scene())


@pytest.mark.parametrize(
    ("query", "code"), [("", 400), ("command=ls&tty=true", 400), ("command=ls&container=x", 400), ("command=ls", 400)]
)
def test_requests_that_are_refused(tmp_path, query, code):
    """No command, a terminal, an unknown container, and no websocket."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["sleep", "60"])
            await client.reach("one", "Running")
            return await client.ask("GET", f"{SPACE}/pods/one/exec?{query}")

    assert code == asyncio.run(scene())[0]


def test_a_container_that_has_ended(tmp_path):
    """Nothing can be run in it."""

    async def scene():
        async with running(tmp_path) as client:
            await client.run_pod("one", ["true"])
            await asyncio.sleep(0.05)
            return await client.ask("GET", f"{SPACE}/pods/one/exec?command=ls")

    code, answer = asyncio.run(scene())

    assert (400, "cannot exec into a container in a completed pod; current phase is Succeeded") == (
        code,
        answer["message"],
    )


def test_airflows_xcom_sidecar(tmp_path):
    """Its value is read where the pod wrote it, and it ends without any other shell of this machine being signalled."""
    script = 'trap "exit 0" INT; while true; do sleep 1; done;'
    mounts = [{"name": "xcom", "mountPath": "/airflow/xcom"}]
    body = pod("one", [], volumes=[{"name": "xcom", "emptyDir": {}}])
    main, side = body["spec"]["containers"][0], "airflow-xcom-sidecar"
    main.update(command=["sh", "-c", "echo 5 > /airflow/xcom/return.json"], volumeMounts=mounts)
    body["spec"]["containers"].append(
        {"name": side, "image": "alpine", "command": ["sh", "-c", script], "volumeMounts": mounts}
    )
    kill = b"\0kill -2 $(pgrep -u $(id -u) -f 'sh')\n"

    async def scene():
        async with running(tmp_path) as client:
            other = await asyncio.create_subprocess_exec("sh", "-c", "read line", stdin=asyncio.subprocess.PIPE)
            try:
                await client.ask("POST", f"{SPACE}/pods", body)
                while b"" == (await execute_when_ready(client, side))[0]:
                    await asyncio.sleep(0.02)
                value, _, _ = await execute(
                    client, "one", "/bin/sh", "-c", "cat /airflow/xcom/return.json", container=side
                )
                await execute(client, "one", "/bin/sh", write=[kill], container=side)
                ended = await client.reach("one", "Succeeded", "Failed")
                return value, ended["status"]["phase"], other.returncode
            finally:
                other.kill()
                await other.wait()

    assert (b"5\n", "Succeeded", None) == asyncio.run(scene())


async def execute_when_ready(client, container):
    found = await client.reach("one", "Running")
    states = {status["name"]: status["state"] for status in found["status"]["containerStatuses"]}
    if "terminated" not in states["base"]:
        return b"", b"", None
    return await execute(client, "one", "cat", "/airflow/xcom/return.json", container=container)
