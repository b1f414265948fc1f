"""Real MLflow servers on loopback, and a place that hands out Google's tokens."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import requests

USERNAME, PASSWORD = "admin", "only-in-the-test-8c1f"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class MLflow:
    """An MLflow server, asked as its own page asks it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    auth: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        store = f"sqlite:///{self.folder}/mlflow.db"
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", store, "--artifacts-destination", str(self.folder / "artifacts")]
        command += ["--workers", "1"]
        quiet = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment = {**os.environ, **quiet}
        if self.auth:
            command += ["--app-name", "basic-auth"]
            settings = self.folder / "auth.ini"
            settings.write_text(
                "[mlflow]\ndefault_permission = READ\nauthorization_function = "
                "mlflow.server.auth:authenticate_request_basic_auth\n"
                f"database_uri = sqlite:///{self.folder}/auth.db\n"
                f"admin_username = {self.auth[0]}\nadmin_password = {self.auth[1]}\n"
            )
            environment |= {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-the-test"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/health", timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def call(self, method: str, path: str, **content: object) -> dict:
        place = {"params" if method == "GET" else "json": content}
        answer = requests.request(method, f"{self.url}/api/2.0/mlflow/{path}", auth=self.auth, timeout=20, **place)
        assert answer.ok, answer.text
        return answer.json()

    def experiment(self, name: str) -> dict:
        return self.call("GET", "experiments/get-by-name", experiment_name=name)["experiment"]

    def runs(self, experiment: str) -> list[dict]:
        """Return all runs of an experiment."""
        ids = [self.experiment(experiment)["experiment_id"]]
        return self.call("POST", "runs/search", experiment_ids=ids, max_results=1000).get("runs", [])


@contextmanager
def mlflow_server(folder: Path, auth: tuple[str, str] | None = None) -> Iterator[MLflow]:
    folder.mkdir(parents=True, exist_ok=True)
    server = MLflow(folder, free_port(), auth=auth)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def pairs(entries: list[Mapping[str, str]]) -> dict[str, str]:
    """Return what MLflow writes as a list of keys and values."""
    return {entry["key"]: entry["value"] for entry in entries}


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(handler: type[_Handler], port: int = 0) -> Iterator[str]:
    """Serve on loopback as long as the block runs, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def in_front_of(
    mlflow: MLflow, *, lose: str = "", cut: str = "", refuse: str = "", allow: str | None = None
) -> type[_Handler]:
    """Make a handler that passes requests on to MLflow; it lets only who says `allow` through.

    Of the first request whose path ends in `lose` the answer is lost after MLflow has given it, of the first in `cut`
    it breaks off; those whose path ends in `refuse` are refused.
    """
    lost: list[str] = []

    class Handler(_Handler):
        def do_GET(self) -> None:
            if allow is not None and self.headers.get("Authorization") != allow:
                self.answer(401, b"<html><title>Sign in</title></html>", "text/html")
                return
            headers = {"Content-Type": "application/json"}
            answer = requests.request(
                self.command, mlflow.url + self.path, data=self.body(), headers=headers, timeout=20
            )
            if lose and self.path.endswith(lose) and not lost:
                lost.append(self.path)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if cut and self.path.endswith(cut) and not lost:
                lost.append(self.path)
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"40\r\n{")
                self.close_connection = True
                return
            if refuse and self.path.endswith(refuse):
                self.answer(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "not this"}')
                return
            self.answer(answer.status_code, answer.content)

        do_POST = do_GET

    return Handler


def google(public_key: bytes, audience: str, id_token: str) -> type[_Handler]:
    """Make a handler that gives `id_token` for an assertion which is signed by that key's owner for that audience."""
    from google.auth import jwt

    class Handler(_Handler):
        def do_POST(self) -> None:
            try:
                claims = jwt.decode(parse_qs(self.body().decode())["assertion"][0], certs=public_key)
            except ValueError:
                self.answer(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')
                return
            assert claims["target_audience"] == audience
            self.answer(200, json.dumps({"id_token": id_token}).encode())

    return Handler


def unsigned_token(**claims: object) -> str:
    """Return something that looks like one of Google's tokens."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, {"exp": time.time() + 3600, **claims}))
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmVk"])
