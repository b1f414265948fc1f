"""Commands run in a container that runs already, over a websocket with a channel for each stream."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping

from aiohttp import WSMsgType, web

from kedro_airflow_k8s.sandbox.cluster.api.streams import choose, flag
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, Refusal, bad_request
from kedro_airflow_k8s.sandbox.cluster.pod import process
from kedro_airflow_k8s.sandbox.cluster.pod.container import Container
from kedro_airflow_k8s.sandbox.cluster.pod.process import Command, StartError
from kedro_airflow_k8s.sandbox.cluster.pod.run import PodRun

_STDIN, _STDOUT, _STDERR, _ERROR, _CLOSE = 0, 1, 2, 3, 255
_V5 = "v5.channel.k8s.io"
_PROTOCOLS = (_V5, "v4.channel.k8s.io")

# What Airflow adds to a pod that returns a value, and the shell by which it tells it to end.
_XCOM_SIDECAR = "airflow-xcom-sidecar"
_XCOM_SHELL = ("/bin/sh",)


async def serve(request: web.Request, run: PodRun) -> web.StreamResponse:
    """Run the query's `command` in a container; raise Refusal if the container does not run."""
    query = request.query
    words = tuple(query.getall("command", []))
    name = choose(run.pod, query.get("container"))
    if not words:
        raise bad_request("you must specify at least 1 command to run")
    if flag(query, "tty"):
        raise bad_request("the sandbox gives commands no terminal (tty)")
    if run.over:
        phase = run.pod["status"]["phase"]
        raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    container = run.containers.get(name)
    if container is None or not container.running:
        raise Refusal(500, "InternalError", f'Internal error occurred: container not found ("{name}")')
    socket = web.WebSocketResponse(protocols=_PROTOCOLS, max_msg_size=0)
    if not socket.can_prepare(request):
        raise bad_request("Upgrade request required")
    await socket.prepare(request)
    if name == _XCOM_SIDECAR and words == _XCOM_SHELL and flag(query, "stdin"):
        status = await _end_sidecar(socket, container)
    else:
        status = await _run(socket, container, words, query)
    if not socket.closed:
        await socket.send_bytes(bytes([_ERROR]) + json.dumps(status).encode())
        await socket.close()
    return socket


async def _end_sidecar(socket: web.WebSocketResponse, container: Container) -> Json:
    """Carry out what Airflow writes to the sidecar's shell, which is to end the sidecar, whatever words it uses.

    Its words signal every process named `sh`: in a container the sidecar alone, here all shells of the user.
    """
    await socket.receive()
    container.interrupt()
    return _status(0)


async def _run(
    socket: web.WebSocketResponse, container: Container, words: tuple[str, ...], query: Mapping[str, str]
) -> Json:
    command = Command(container.files.script(words), container.variables, container.files.folder)
    wanted = {channel for channel, key in ((_STDOUT, "stdout"), (_STDERR, "stderr")) if flag(query, key)}
    pipe = asyncio.subprocess.PIPE
    try:
        child = await command.start(pipe if flag(query, "stdin") else asyncio.subprocess.DEVNULL, pipe, pipe)
    except StartError as error:
        return {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": str(error), "code": 500}
    container.others.add(child.pid)
    pumps = [
        asyncio.create_task(_send(child.stdout, socket, _STDOUT, wanted)),
        asyncio.create_task(_send(child.stderr, socket, _STDERR, wanted)),
    ]
    listener = asyncio.create_task(_receive(socket, child))
    ended = asyncio.create_task(child.wait())
    try:
        # The client closes before the command has ended only if it does not want its end any more.
        await asyncio.wait({listener, ended}, return_when=asyncio.FIRST_COMPLETED)
        process.send(child.pid, signal.SIGKILL)
        code = await ended
        await asyncio.wait(pumps, timeout=process.DRAIN)
        return _status(process.exit_code(code))
    finally:
        process.send(child.pid, signal.SIGKILL)
        container.others.discard(child.pid)
        for task in (*pumps, listener):
            task.cancel()
        await asyncio.gather(*pumps, listener, return_exceptions=True)


async def _send(
    stream: asyncio.StreamReader | None, socket: web.WebSocketResponse, channel: int, wanted: set[int]
) -> None:
    while stream is not None and (data := await stream.read(32 * 1024)):
        if channel in wanted and not socket.closed:
            await socket.send_bytes(bytes([channel]) + data)


async def _receive(socket: web.WebSocketResponse, child: asyncio.subprocess.Process) -> None:
    """Hand on what the client writes to the command's standard input, until the client closes the connection."""
    async for message in socket:
        data = message.data.encode() if message.type == WSMsgType.TEXT else bytes(message.data)
        if child.stdin is None or not data:
            continue
        if data[0] == _STDIN:
            child.stdin.write(data[1:])
        elif data == bytes([_CLOSE, _STDIN]) and socket.ws_protocol == _V5:
            child.stdin.close()


def _status(code: int) -> Json:
    """Return the status that the last channel tells: success, or the command's exit code."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
