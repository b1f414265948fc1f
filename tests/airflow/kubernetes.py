"""As much of Kubernetes' API as the operators use: claims, pods and events in memory, and the trouble of a test."""

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

RESOURCES = {"persistentvolumeclaims": "PersistentVolumeClaim", "pods": "Pod", "events": "Event"}


class Kubernetes:
    """The objects that there are, by resource and name, and `answers`, which come before the real ones.

    `answers` are called with method, resource and name: each returns a status and a message, or None. A claim that is
    deleted stays as long as a pod names it; a pod that is deleted goes when `let_go` is called, or at once.
    """

    def __init__(self):
        self.objects = {resource: {} for resource in RESOURCES}
        self.answers = []
        self.lingering = False
        self.asked = []

    @property
    def claims(self):
        return self.objects["persistentvolumeclaims"]

    @property
    def pods(self):
        return self.objects["pods"]

    def add_pod(self, name, *, labels=None, claim=None, **others):
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
        self.pods[name] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "airflow", "labels": labels or {}, "uid": name},
            "spec": {"containers": [{"name": "base", "image": "x"}], "volumes": volumes},
            "status": {"phase": "Succeeded"},
            **others,
        }
        return self.pods[name]

    def add_event(self, kind, name, reason, message, type="Warning"):
        event = {"reason": reason, "message": message, "type": type, "lastTimestamp": "2026-01-01T00:00:00Z"}
        about = {"kind": kind, "name": name, "namespace": "airflow"}
        key = f"{name}.{len(self.objects['events'])}"
        self.objects["events"][key] = {"metadata": {"name": key}, "involvedObject": about, **event}

    def let_go(self):
        """Remove what is being deleted and what nothing holds."""
        for name in [name for name, pod in self.pods.items() if "deletionTimestamp" in pod["metadata"]]:
            del self.pods[name]
        self.release()

    def release(self):
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for pod in self.pods.values()
            for volume in pod["spec"].get("volumes", ())
            if "persistentVolumeClaim" in volume
        }
        for name in [name for name, claim in self.claims.items() if "deletionTimestamp" in claim["metadata"]]:
            if name not in used:
                del self.claims[name]

    def handle(self, method, address, body):
        parts = urlsplit(address)
        resource, _, name = parts.path.partition("/namespaces/airflow/")[2].partition("/")
        self.asked.append((method, resource, name))
        for answer in self.answers:
            if trouble := answer(method, resource, name):
                return trouble[0], status(*trouble)
        found = self.objects[resource]
        if method == "POST":
            if body["metadata"]["name"] in found:
                return 409, status(409, "already exists")
            body["metadata"].setdefault("uid", f"uid-{len(self.asked)}")
            body.setdefault("status", {"phase": "Pending"})
            found[body["metadata"]["name"]] = body
            return 201, body
        if not name:
            items = [each for each in found.values() if matches(each, parse_qs(parts.query))]
            return 200, {"kind": f"{RESOURCES[resource]}List", "apiVersion": "v1", "items": items}
        if name not in found:
            return 404, status(404, f'{resource} "{name}" not found')
        if method == "DELETE":
            wanted = (body or {}).get("preconditions", {}).get("uid")
            if wanted and wanted != found[name]["metadata"]["uid"]:
                return 409, status(409, "the UID in the precondition does not match")
            found[name]["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=30)
            if not self.lingering:
                self.let_go()
            return 200, {"kind": "Status", "status": "Success"}
        return 200, found[name]


def matches(item, query):
    labels = item["metadata"].get("labels", {})
    for part in query.get("labelSelector", [""])[0].split(","):
        key, equals, value = part.partition("=")
        if equals and not key.endswith("!") and labels.get(key) != value:
            return False
    about = item.get("involvedObject", {})
    for part in query.get("fieldSelector", [""])[0].split(","):
        key, equals, value = part.partition("=")
        if equals and about.get(key.partition(".")[2]) != value:
            return False
    return True


def status(code, message):
    return {"kind": "Status", "status": "Failure", "code": code, "message": message, "reason": "Refused"}


def serve(cluster):
    """Start an API server of that cluster; return it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, answer = cluster.handle(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = answer

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server
