"""A small Airflow on loopback that keeps DAGs and runs in memory and fails as told, and a clock that does not wait."""

import base64
import json
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time as time_of_day
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from kedro_airflow_k8s.airflow import connect
from kedro_airflow_k8s.airflow.http import Clock

LOGIN = {"AIRFLOW_API_USERNAME": "admin", "AIRFLOW_API_PASSWORD": "planted-password"}
HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.time = 0.0
        self.slept = []
        self.at = []

    @property
    def clock(self):
        return Clock(lambda: self.time, self.sleep)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds
        for moment, action in [entry for entry in self.at if entry[0] <= self.time]:
            self.at.remove((moment, action))
            action()


@dataclass(frozen=True)
class Fault:
    """What to do instead of answering, `times` times; `after`: once the request has had its effect."""

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1
    after: bool = False
    status: int = 500
    headers: dict = field(default_factory=dict)
    body: str = '{"detail": "broken"}'


@dataclass
class FakeAirflow:
    """The state of a pretended Airflow, and what it was asked."""

    version: str = "3.3.2"
    prefix: str = ""
    page_limit: int = 100
    dags: dict[str, dict] = field(default_factory=dict)
    runs: dict[str, dict] = field(default_factory=dict)
    tasks: list[dict] = field(default_factory=list)
    import_errors: list[dict] = field(default_factory=list)
    logs: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    spent: Counter = field(default_factory=Counter)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    anonymous: bool = False
    late: float = 0.0  # seconds by which its clock is behind
    polls: int | None = None  # how often a run is asked for until it is a success; None: it goes on
    url: str = ""

    @property
    def api(self):
        return self.prefix + ("/api/v1" if self.version.startswith("2") else "/api/v2")

    def add_dag(self, dag_id, **more):
        name = (
            {"schedule_interval": None, "is_active": True} if self.api.endswith("v1") else {"timetable_summary": None}
        )
        self.dags[dag_id] = {
            "dag_id": dag_id, "is_paused": False, "tags": [{"name": "kedro-airflow-k8s"}], "doc_md": "",
            "fileloc": f"/dags/{dag_id}.py", "file_token": f"token-of-{dag_id}", **name, **more,
        }  # fmt: skip

    def add_run(self, run_id="r", dag_id="demo", state="running"):
        self.runs[run_id] = {"dag_id": dag_id, "dag_run_id": run_id, "state": state}
        return self.runs[run_id]

    def add_task(self, task_id, state, try_number=1, **more):
        self.tasks.append({"task_id": task_id, "state": state, "try_number": try_number, **more})

    def asked(self, method="", path=""):
        """Return the requests of that method whose path ends so."""
        return [request for request in self.requests if request[0].startswith(method) and request[1].endswith(path)]

    def answer(self, method, path, query, body, authorization):
        if path == f"{self.api}/version":
            return 200, {"version": self.version}
        if path == f"{self.prefix}/auth/token" and self.api.endswith("v2"):
            return self._login(body)
        if not path.startswith(f"{self.api}/"):
            return 404, HTML
        if not (self.anonymous or self._is_known(authorization)):
            return (403, {"title": "Forbidden"}) if self.api.endswith("v1") else (401, {"detail": "Token Expired"})
        return self._resource(method, [unquote(part) for part in path[len(self.api) + 1 :].split("/")], query, body)

    def _login(self, body):
        if body != {"username": LOGIN["AIRFLOW_API_USERNAME"], "password": LOGIN["AIRFLOW_API_PASSWORD"]}:
            return 401, {"detail": "Invalid credentials"}
        self.tokens.append(f"planted-token-{len(self.tokens)}")
        return 201, {"access_token": self.tokens[-1]}

    def _is_known(self, authorization):
        if self.api.endswith("v2"):
            return bool(self.tokens) and authorization == f"Bearer {self.tokens[-1]}"
        return authorization == "Basic " + base64.b64encode(":".join(LOGIN.values()).encode()).decode()

    def _resource(self, method, parts, query, body):
        match method, parts:
            case "GET", ["dags"]:
                return self._page("dags", [self.dags[dag_id] for dag_id in sorted(self.dags)], query)
            case "GET", ["importErrors"]:
                return self._page("import_errors", self.import_errors, query)
            case "PUT", ["parseDagFile", _]:
                return 201, None
            case "GET", ["dags", dag_id, "details"]:
                return (200, self.dags[dag_id]) if dag_id in self.dags else (404, {"detail": "no such DAG"})
            case "GET", ["dags", dag_id]:
                return 200, {**self.dags[dag_id], "doc_md": None}
            case "PATCH", ["dags", dag_id]:
                self.dags[dag_id].update(body)
                return 200, self.dags[dag_id]
            case "POST", ["dags", dag_id, "dagRuns"]:
                if body["dag_run_id"] in self.runs:
                    return 409, {"detail": {"reason": "Unique constraint violation"}}
                return 200, self.add_run(body["dag_run_id"], dag_id, "queued")
            case "GET", ["dags", _, "dagRuns", run_id]:
                return self._run(run_id)
            case "GET", ["dags", _, "dagRuns", _, "taskInstances"]:
                return self._page("task_instances", self.tasks, query)
            case "GET", ["dags", _, "dagRuns", _, "taskInstances", task_id, "logs", _]:
                found = self.logs.get(task_id)
                return (404, {"detail": "no such log"}) if found is None else (200, {"content": found})
        return 404, {"detail": "Not Found"}

    def _run(self, run_id):
        if run_id not in self.runs:
            return 404, {"detail": "no such run"}
        if self.polls is not None:
            self.polls -= 1
            self.runs[run_id]["state"] = "success" if self.polls < 0 else "running"
        return 200, self.runs[run_id]

    def _page(self, key, entries, query):
        limit, offset = min(int(query.get("limit", 50)), self.page_limit), int(query.get("offset", 0))
        return 200, {key: entries[offset : offset + limit], "total_entries": len(entries)}

    def fault_for(self, method, path):
        for fault in self.faults:
            if self.spent[id(fault)] < fault.times and method.startswith(fault.method) and fault.path in path:
                self.spent[id(fault)] += 1
                return fault
        return None


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the FakeAirflow of its server."""

    protocol_version = "HTTP/1.1"
    # Else each answer waits 40 ms for the acknowledgement of its first part.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time_of_day() - self.server.state.late)

    def handle_any(self):
        state = self.server.state
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        state.requests.append((self.command, address.path))
        state.headers.append(dict(self.headers))
        state.bodies.append(body)
        fault = state.fault_for(self.command, address.path)
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        status, answer = 500, ""
        if fault is None or fault.after:
            status, answer = state.answer(self.command, address.path, query, body, self.headers.get("Authorization"))
        text = answer if isinstance(answer, str) else json.dumps(answer)
        if fault is None:
            self.reply(status, text)
        else:
            self.fail(fault, text)

    do_GET = do_POST = do_PUT = do_PATCH = handle_any

    def reply(self, status, text, headers=(), length=None):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if text.startswith("<") else "application/json")
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def fail(self, fault, text):
        if fault.kind == "status":
            self.reply(fault.status, fault.body, fault.headers)
        elif fault.kind == "html":
            self.reply(200, HTML)
        elif fault.kind == "echo":
            self.reply(fault.status, json.dumps({"detail": f"you sent {dict(self.headers)}"}))
        elif fault.kind == "cut":
            # The whole of a shorter answer than was meant, then all of a part.
            self.reply(200, '{"version": "3.3.', length=None if fault.after else 100)
            self.close_connection = True
        elif fault.kind == "leave":
            self.close_connection = True
        elif fault.kind == "hang":
            self.server.released.wait(5)
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing: that connections break is what some tests are about."""


@pytest.fixture
def serve():
    """Return a function that starts a FakeAirflow, over `tls` if given, and gives it back, with its address."""
    servers = []

    def start(tls=None, **state):
        server = Server(("127.0.0.1", 0), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.released = threading.Event()
        server.state = FakeAirflow(**state)
        server.state.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}{server.state.prefix}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server.state

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def time():
    """A clock that does not wait."""
    return FakeClock()


@pytest.fixture
def said():
    """What the user was told."""
    return []


@pytest.fixture(params=["3.3.2", "2.11.2"])
def airflow(request, serve):
    """A FakeAirflow of each supported version."""
    return serve(version=request.param)


@pytest.fixture
def client(airflow, time, said):
    """A client that is logged in to it."""
    client = connect(airflow.url, LOGIN, report=said.append, clock=time.clock)
    airflow.requests.clear()
    return client


@pytest.fixture
def free_port():
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
