"""What a wait for a run costs, and how soon it is said that there is no Airflow.

`python tests/benchmarks/waiting_cost.py [MINUTES]` in an environment with the plugin and Kedro; a wait of 10 minutes.
"""

import multiprocessing
import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme
from bench_project import write_project
from rich.console import Console

from kedro_airflow_k8s.airflow import connect, wait_for_end
from kedro_airflow_k8s.watch import Watcher

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.unit.airflow.conftest import LOGIN, FakeAirflow, Handler, Server

TASKS = 100
ARGUMENTS = ("airflow-k8s", "list-pipelines")


def serve(pipe, seconds: float) -> None:
    """Be an Airflow whose run of 100 tasks, one of which changes every 5 s, ends after that many seconds."""
    server = Server(("127.0.0.1", 0), Handler)
    server.state = state = FakeAirflow()
    state.add_dag("demo")
    run = state.add_run()
    for number in range(TASKS):
        state.add_task(f"task-{number}", None, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(f"http://127.0.0.1:{server.server_port}")
    pipe.recv()
    state.requests.clear()
    end = time.monotonic() + seconds
    for number in range(int(seconds // 5)):
        state.tasks[number % TASKS].update(state="running" if number < TASKS else "success", try_number=1)
        time.sleep(max(0.0, min(5.0, end - time.monotonic())))
    time.sleep(max(0.0, end - time.monotonic()))
    before = len(state.requests)
    run["state"] = "success"
    ended = time.time()
    pipe.recv()
    pipe.send((before, ended))


def wait(minutes: float) -> None:
    """Print what a wait costs with a table on a terminal."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs, 60 * minutes), daemon=True)
    server.start()
    client = connect(ours.recv(), LOGIN)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        terminal = Console(file=nothing, force_terminal=True, width=200, height=50)
        ours.send("begin")
        with Watcher(terminal, terminal) as watcher:
            wait_for_end(client, "demo", "r", seen=watcher.show, report=watcher.report)
    noticed = time.time()
    after = resource.getrusage(resource.RUSAGE_SELF)
    ours.send("end")
    requests, ended = ours.recv()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"requests in {minutes:g} min: {requests}   (bar: 400 in 10)")
    print(f"CPU of the waiting client: {100 * used / (60 * minutes):.2f} %   (bar: 2)")
    print(f"end noticed after {noticed - ended:.2f} s   (bar: 2)")
    server.join()


class Web(SimpleHTTPRequestHandler):
    """Some web server that is no Airflow."""

    def log_message(self, *arguments):
        """Say nothing."""


def tell(name: str, host: str, project: Path) -> None:
    """Print how long the command takes to say what is wrong at that address, and what it says."""
    (project / "conf/base/airflow-k8s.yaml").write_text(
        f"host: {host}\nrun_config: {{image: i, namespace: n, experiment_name: e}}\n", encoding="utf-8"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *ARGUMENTS],
        cwd=project,
        env={**os.environ, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stderr.strip().splitlines()[-1]
    print(f"{name}: {time.monotonic() - began:.1f} s, exit {done.returncode}   (bar: 30)\n    {said}")


def unreachable(folder: Path) -> None:
    """Print it for each kind of address at which there is no Airflow."""
    project = folder / "project"
    write_project(project, 2, 2)
    silent = socket.create_server(("127.0.0.1", 0))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = closed.getsockname()[1]
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    # Connections beyond those that fit are not even answered, as by a firewall that drops them.
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(full.getsockname())
    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    cases = {
        "refused": f"http://127.0.0.1:{refused}",
        "silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
        "dropped": f"http://127.0.0.1:{full.getsockname()[1]}",
        "no such name": "http://airflow.invalid",
        "not an Airflow": f"http://127.0.0.1:{web.server_port}",
        "no TLS": f"https://127.0.0.1:{web.server_port}",
    }
    secure = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    cases["certificate of nobody"] = f"https://127.0.0.1:{secure.server_port}"
    for name, host in cases.items():
        tell(name, host, project)


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as folder:
        unreachable(Path(folder))
    wait(float(sys.argv[1]) if len(sys.argv) > 1 else 10)


if __name__ == "__main__":
    main()
