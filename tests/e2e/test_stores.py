"""Uploading to S3 and Google Cloud Storage over HTTP, by their real libraries, to servers that stand in for them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
import requests
from gcp_storage_emulator.server import create_server

from kedro_airflow_k8s.delivery import Written, write
from kedro_airflow_k8s.errors import DeliveryError
from kedro_airflow_k8s.model import File
from tests.e2e.conftest import SECRET, kedro

DAG = File("demo.py", "print('ż😀')\r\n#\0 no text that a store may improve\n")


@pytest.fixture
def log_in(s3, monkeypatch):
    """Return a function that makes a user of some rights, logs them in, and has S3 look at rights from then on."""

    def log_in(*actions):
        iam = boto3.client("iam")
        iam.create_user(UserName="user")
        allowed = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
        if actions:
            policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
            iam.put_user_policy(UserName="user", PolicyName="policy", PolicyDocument=policy)
        key = iam.create_access_key(UserName="user")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        requests.post(f"{s3.meta.endpoint_url}/moto-api/reset-auth", data=b"0", timeout=10)

    return log_in


def content(s3, key, bucket="dags"):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def refusal(url):
    """Return the error of an upload, which is one line and shows no secret."""
    with pytest.raises(DeliveryError) as error:
        write([DAG], url)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    return str(error.value)


def test_a_pipeline_is_uploaded_to_s3(s3, spaceflights):
    """By the command; a second upload finds the very bytes that it would send, and says that nothing changed."""
    first, second = (kedro(spaceflights, "airflow-k8s", "upload-pipeline", "-o", "s3://dags/team") for _ in range(2))

    assert [0, 0] == [first.returncode, second.returncode], first.stderr + second.stderr
    assert "s3://dags/team/spaceflights.py" == first.stdout.splitlines()[-1]
    assert "s3://dags/team/spaceflights.py (unchanged)" == second.stdout.splitlines()[-1]
    assert content(s3, "team/spaceflights.py").endswith(b"\n\n\nspaceflights()\n")


def test_any_bytes_arrive_in_s3(s3):
    """Exactly those, at the top of a bucket or below a folder, and are not sent again."""
    written = [write([DAG], url) for url in ("s3://dags", "s3://dags/a/b/", "s3://dags/a/b")]

    assert [Written((f"s3://dags/{key}",), unchanged) for key, unchanged in KEYS] == written
    assert [DAG.content.encode()] * 3 == [content(s3, key) for key, _ in KEYS]


KEYS = (("demo.py", False), ("a/b/demo.py", False), ("a/b/demo.py", True))


def test_a_bucket_that_s3_does_not_have(s3):
    """Named; it is not made."""
    assert "s3://nope/team/demo.py: there is no bucket 'nope'" == refusal("s3://nope/team")
    assert ["dags"] == [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_s3_denies(s3, log_in):
    """To a user without rights, in S3's own words."""
    log_in()

    assert "s3://dags/demo.py: no permission to write there (Access Denied)" == refusal("s3://dags")


def test_s3_does_not_know_the_user(s3, log_in, monkeypatch):
    """Wrong credentials are told from missing ones."""
    log_in()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    wrong = refusal("s3://dags")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    missing = refusal("s3://dags")

    assert "AWS Access Key Id you provided does not exist" in wrong
    assert "no usable credentials for s3:// found; log in as its own command line tool would" in missing


def test_who_may_only_write_to_s3_uploads_each_time(s3, log_in):
    """As the robots of many companies."""
    log_in("s3:PutObject")

    assert [False, False] == [write([DAG], "s3://dags/team").unchanged for _ in range(2)]


@pytest.fixture
def gcs(monkeypatch):
    """The address of a Google Cloud Storage with a bucket `dags`."""
    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    address = f"http://127.0.0.1:{server._api._httpd.server_port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    requests.post(f"{address}/storage/v1/b?project=p", json={"name": "dags"}, timeout=10).raise_for_status()
    yield address
    server.stop()


def test_any_bytes_arrive_in_gcs(gcs):
    """Exactly those, by either name of the protocol, and are not sent again."""
    written = [write([DAG], url) for url in ("gs://dags/team", "gcs://dags/team/")]

    assert [
        Written(("gs://dags/team/demo.py",), False),
        Written(("gcs://dags/team/demo.py",), True),
    ] == written
    kept = requests.get(f"{gcs}/storage/v1/b/dags/o/team%2Fdemo.py", params={"alt": "media"}, timeout=10)
    assert DAG.content.encode() == kept.content


def test_a_bucket_that_gcs_does_not_have(gcs):
    """Named; it is not made."""
    assert "gs://nope/team/demo.py: there is no bucket 'nope'" == refusal("gs://nope/team")
    buckets = requests.get(f"{gcs}/storage/v1/b?project=p", timeout=10).json()["items"]
    assert ["dags"] == [bucket["name"] for bucket in buckets]


class Denying(BaseHTTPRequestHandler):
    """Says no to every request, in the way and the words of Google Cloud Storage."""

    def deny(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, message = self.server.refusal
        body = json.dumps({"error": {"code": status, "message": message}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = deny

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (403, "robot@p does not have storage.objects.create access", "no permission to write there ("),
        (401, "Anonymous caller does not have storage.objects.create access", "no usable credentials for gs:// found;"),
    ],
)
def test_gcs_denies(monkeypatch, status, message, said):
    """To a user without rights, and to one who is not logged in."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Denying)
    server.refusal = (status, message)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")

    assert refusal("gs://dags").startswith(f"gs://dags/demo.py: {said}")
    server.shutdown()
    server.server_close()
