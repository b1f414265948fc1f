"""The operators of the volume, against Kubernetes' API: retries, races and what belongs to somebody else."""

import http.server
import json
import threading

import pytest

from tests.airflow.test_pods import RUN, rendered


class Kubernetes(http.server.BaseHTTPRequestHandler):
    """As much of an API server as claims need."""

    def do_POST(self):
        claim = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = claim["metadata"]["name"]
        if name in self.claims:
            self.answer(409, {"kind": "Status", "reason": "AlreadyExists", "code": 409})
        else:
            self.claims[name] = claim
            self.answer(201, claim)

    def do_GET(self):
        self.found(self.claims.get(self.path.rpartition("/")[2]))

    def do_DELETE(self):
        self.found(self.claims.pop(self.path.rpartition("/")[2], None))

    def found(self, claim):
        self.answer(200 if claim else 404, claim or {"kind": "Status", "reason": "NotFound", "code": 404})

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """The claims of a Kubernetes that the operators reach by a kubeconfig, as in a cluster."""
    monkeypatch.setattr(Kubernetes, "claims", {}, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kubernetes)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv(
        "AIRFLOW_CONN_KUBERNETES_DEFAULT",
        json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(tmp_path / "config")}}),
    )
    yield Kubernetes.claims
    server.shutdown()
    server.server_close()


def test_the_claim_is_created_as_planned(spaceflights, claims):
    """The claim has size and access modes, and says to which run it belongs."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute({})

    (claim,) = claims.values()
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert claim["metadata"]["annotations"] == {
        "kedro-airflow-k8s/dag-id": "spaceflights",
        "kedro-airflow-k8s/run-id": RUN,
    }


def test_a_retry_goes_on_with_its_own_claim(spaceflights, claims):
    """A second try of the task finds the claim of the first and is content."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute({})
    task.execute({})

    assert len(claims) == 1


def test_a_claim_of_somebody_else_is_an_error(spaceflights, claims):
    """A claim that happens to have the name, but is not of this run, is not used."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute({})
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    with pytest.raises(RuntimeError, match="exists, and is not of this run"):
        task.execute({})


def test_a_claim_that_is_being_deleted_is_not_used(spaceflights, claims):
    """It would vanish under the nodes."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute({})
    next(iter(claims.values()))["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    with pytest.raises(RuntimeError, match="is being deleted"):
        task.execute({})


def test_a_claim_of_somebody_else_is_not_deleted(spaceflights, claims):
    """What another made under that name is left alone."""
    rendered(spaceflights, "create_pipeline_storage").execute({})
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    rendered(spaceflights, "delete_pipeline_storage").execute({})

    assert len(claims) == 1


def test_a_claim_that_is_gone_is_deleted(spaceflights, claims):
    """Deleting twice is as good as deleting once."""
    rendered(spaceflights, "create_pipeline_storage").execute({})
    task = rendered(spaceflights, "delete_pipeline_storage")

    task.execute({})
    task.execute({})

    assert claims == {}
