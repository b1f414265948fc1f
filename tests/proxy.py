"""A proxy on loopback before a real Airflow or MLflow, which breaks what it is told to break."""

import http.client
import json
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Company login</title></head></html>"
# They concern one connection only.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Fault:
    """What happens to the first `times` requests of that method whose path has that part.

    `after`: only once Airflow has done what it was asked for, and has answered; `seconds` are for a delay.
    """

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1
    after: bool = False
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    authorization: str = ""

    def __str__(self) -> str:
        kind = str(self.status) if self.kind == "status" else self.kind
        return f"{kind} {'after' if self.after else 'before'} {self.path.strip('/')} x{self.times}"


class Proxy:
    """Passes requests on to `target`, below `prefix` and over `tls` if given, and keeps what it was asked for."""

    def __init__(self, target: str, prefix: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.target = urlsplit(target).netloc
        self.prefix = prefix
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self._spent: dict[int, int] = {}
        self._lock = threading.Lock()
        self._tls = tls
        self._port = 0
        self.listen()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._port}{prefix}"

    def listen(self) -> None:
        """Take connections, always at the same port."""
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.proxy = self
        self._port = self._server.server_port
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def refuse(self) -> None:
        """Take no connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    def plan(self, *faults: Fault) -> None:
        """Break these from now on, and nothing else; forget what was asked for."""
        with self._lock:
            self.faults, self._spent = list(faults), {}
            self.requests.clear()

    def fault(self, method: str, path: str) -> Fault | None:
        """Return what is to happen to a request."""
        with self._lock:
            self.requests.append((method, path))
            for number, fault in enumerate(self.faults):
                spent = self._spent.get(number, 0)
                if spent < fault.times and method.startswith(fault.method) and fault.path in path:
                    self._spent[number] = spent + 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """Say nothing: clients that go away in the middle are what it is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.fault(self.command, self.path)
        if not self.path.startswith(f"{proxy.prefix}/"):
            self.reply(404, {"Content-Type": "text/html"}, b"<html><title>Nothing here</title></html>")
            return
        if fault and fault.kind == "delay" and not fault.after:
            time.sleep(fault.seconds)
        answer = None
        if fault is None or fault.after or fault.kind in {"delay", "expire"}:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            if fault and fault.kind == "expire":
                headers["Authorization"] = fault.authorization
            answer = self.pass_on(headers, body)
        if fault is None or fault.kind == "expire":
            self.reply(*answer)
        else:
            self.fail(fault, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def pass_on(self, headers, body):
        proxy = self.server.proxy
        connection = http.client.HTTPConnection(proxy.target, timeout=60)
        try:
            connection.request(self.command, self.path[len(proxy.prefix) :], body or None, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
            return response.status, kept, response.read()
        finally:
            connection.close()

    def reply(self, status, headers, content, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def fail(self, fault, answer):
        match fault.kind:
            case "delay":
                if fault.after:
                    time.sleep(fault.seconds)
                self.reply(*answer)
            case "status":
                body = json.dumps({"detail": "the proxy says so"}).encode()
                self.reply(fault.status, {"Content-Type": "application/json", **fault.headers}, body)
            case "html":
                self.reply(200, {"Content-Type": "text/html"}, LOGIN_PAGE.encode())
            case "empty":
                self.reply(200, {"Content-Type": "application/json"}, b"")
            case "cut":  # half of the JSON, as if that was all
                status, headers, content = answer
                self.reply(status, headers, content[: len(content) // 2])
            case "reset":  # nothing, or half of the answer, and then the connection is gone
                if answer:
                    status, headers, content = answer
                    self.reply(status, headers, content[: len(content) // 2], len(content))
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True


@contextmanager
def proxied(target: str, prefix: str = "", tls: ssl.SSLContext | None = None):
    """Run a proxy as long as the block runs."""
    proxy = Proxy(target, prefix, tls)
    try:
        yield proxy
    finally:
        proxy.refuse()
