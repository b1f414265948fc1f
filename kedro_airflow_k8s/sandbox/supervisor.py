"""The process that holds a sandbox together: `python -m kedro_airflow_k8s.sandbox.supervisor`, fed by `session`.

It reads what to run from its standard input, a line of JSON, and tells what happens on its standard output, a line of
JSON per event. When that input ends, because whoever holds its other end is done or dead, it ends all that it started,
and itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from kedro_airflow_k8s import dockerignore
from kedro_airflow_k8s.errors import KedroAirflowK8sError
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow.server import AirflowServer
from kedro_airflow_k8s.sandbox.cluster import image, processes
from kedro_airflow_k8s.sandbox.cluster.control.claims import RELEASED
from kedro_airflow_k8s.sandbox.cluster.errors import ClusterError
from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.kubernetes import Cluster

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# Seconds that the pods may take to end before they are killed with everything else.
GRACE = 8

Emit = Callable[..., None]


def main() -> int:
    """Run a sandbox until the input ends; return the exit status."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # Under these numbers nothing that is started inherits the pipes, which would keep them open.
    orders, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    emit = partial(_emit, events)
    processes.adopt_orphans()
    with open(orders, "rb", buffering=0) as stream:
        line = stream.readline()
        if not line.endswith(b"\n"):
            return 0  # whoever started this died at once
        setup, root = session.load(line.decode())
        status = 0
        try:
            asyncio.run(_run(setup, root, stream.fileno(), emit))
        except (KedroAirflowK8sError, ClusterError) as error:
            emit("failed", text=str(error))
            status = 1
        except Exception as error:
            logger.exception("the sandbox failed")
            emit("failed", text=f"The sandbox failed by an error of its own: {error!r}")
            status = 1
        finally:
            processes.sweep(root)
            image.remove(root)
            emit("stopped")
    return status


async def _run(setup: session.Setup, root: Path, orders: int, emit: Emit) -> None:
    """Run the sandbox until it fails, the orders end, or a signal comes."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def read() -> None:
        if not os.read(orders, 1024):
            loop.remove_reader(orders)
            over.set()

    loop.add_reader(orders, read)
    for number in SIGNALS:
        loop.add_signal_handler(number, over.set)
    serving = asyncio.create_task(_serve(setup, root, emit))
    ending = asyncio.create_task(over.wait())
    try:
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if serving.done():
            await serving
        else:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            # What is left to do must be done, whatever signal comes.
            signal.signal(number, signal.SIG_IGN)


async def _serve(setup: session.Setup, root: Path, emit: Emit) -> None:
    """Start cluster and Airflow, tell when they are ready, and watch over them; stop both when cancelled."""
    token = secrets.token_urlsafe(16)
    image = Image(setup.project, setup.project_path, setup.python, dockerignore.read(setup.project))
    cluster = Cluster(image=image, root=root / "cluster", secrets=setup.secrets, token=token, settings=setup.cluster)
    try:
        emit("progress", text="Starting Kubernetes")
        address = await cluster.start()
        server = AirflowServer(
            setup.airflow,
            root / "airflow",
            cluster=address,
            token=token,
            variables=setup.variables,
            triggerer=setup.triggerer,
        )
        try:
            emit("progress", text=f"Starting Airflow {server.version}")
            await server.start()
            emit(
                "ready",
                url=server.url,
                username=server.username,
                password=server.password,
                dags=str(server.folder.dags),
                claims=str(root / "cluster" / "claims"),
                released=str(root / "cluster" / RELEASED),
                kubernetes=address,
            )
            await server.watch()
        finally:
            await server.stop()
    finally:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(cluster.stop(), GRACE)


def _emit(descriptor: int, event: str, **fields: str) -> None:
    # Whoever was listening may be gone.
    with suppress(OSError):
        os.write(descriptor, f"{json.dumps({'event': event, **fields})}\n".encode())


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    sys.exit(main())
