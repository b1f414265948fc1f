"""The operators that start and finish an MLflow run, in a real Airflow against real MLflow servers."""

import json
import re
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from kedro_airflow_k8s.sandbox.airflow import install
from tests.e2e.conftest import kedro, write
from tests.mlflow.conftest import AIRFLOW
from tests.mlflow.servers import (
    PASSWORD,
    USERNAME,
    MLflow,
    free_port,
    google,
    in_front_of,
    pairs,
    serving,
    unsigned_token,
)
from tests.proxy import proxied
from tests.spaceflights import copy

MLFLOW_PAGE = Path(__file__).parents[2] / "docs/mlflow.md"
SINGLE = """
from kedro.pipeline import node, pipeline


def create_pipeline(**kwargs):
    return pipeline([node(lambda ds: ds, "params:ds", "single_result", name="only")])
"""
VARS = {"type": "Vars", "params": ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"]}
LOGIN = {"MLFLOW_TRACKING_USERNAME": USERNAME, "MLFLOW_TRACKING_PASSWORD": PASSWORD}


def start(run_id, **step):
    return {"task": "start_mlflow_run", "run_id": run_id, **step}


def finish(run_id, xcom, **states):
    return {"task": "finish_mlflow_run", "run_id": run_id, "xcom": xcom, "states": states}


def test_a_run_is_made_once_and_found_again(mlflow, operators):
    """The first try makes experiment and run, with parameters and tags; another one finds the same run."""
    airflow = operators(mlflow.url, experiment='It\'s "new"')

    (first,) = airflow.execute(start("run+1"))
    (second,) = airflow.execute(start("run+1"))

    assert first == second
    (run,) = mlflow.runs('It\'s "new"')
    assert (run["info"]["run_id"], run["info"]["run_name"]) == (first["result"], "run+1")
    assert run["info"]["status"] == "RUNNING"
    assert pairs(run["data"]["params"]) == {
        "image": "registry.example.com/demo:1",
        "dag_id": "demo",
        "run_id": "run+1",
        "execution_date": "2026-01-01T00:00:00+00:00",
    }
    tags = pairs(run["data"]["tags"])
    assert tags["airflow.run-page"] == "https://airflow.example.com/dags/demo/runs/run%2B1"
    assert tags["airflow.run-page"] in tags["mlflow.note.content"]
    assert (tags["mlflow.source.git.commit"], tags["kedro-airflow-k8s.dag-run"]) == ("abc123", "demo/run+1")


def test_runs_that_start_together_share_the_experiment(mlflow, operators):
    """Four DAG runs that all find no experiment make one, and a run each; one without a date logs none."""
    airflow = operators(mlflow.url, experiment="raced")

    found = airflow.execute(*(start(f"run-{number}", dated=bool(number)) for number in range(4)))

    runs = {run["info"]["run_id"]: pairs(run["data"]["params"]) for run in mlflow.runs("raced")}
    assert set(runs) == {each["result"] for each in found}
    assert sorted(each["run_id"] for each in runs.values()) == ["run-0", "run-1", "run-2", "run-3"]
    assert "execution_date" not in runs[found[0]["result"]]


def test_a_deleted_experiment_is_said(mlflow, operators):
    """Nothing can be tracked in it, and its name is taken."""
    experiment_id = mlflow.call("POST", "experiments/create", name="gone")["experiment_id"]
    mlflow.call("POST", "experiments/delete", experiment_id=experiment_id)

    (failed,) = operators(mlflow.url, experiment="gone").execute(start("run"))

    assert (
        f"'gone' is deleted: restore it (mlflow experiments restore --experiment-id {experiment_id})" in failed["error"]
    )


def test_an_existing_experiment_keeps_its_place_of_artifacts(mlflow, operators):
    """A run's artifacts go where its experiment says."""
    mlflow.call("POST", "experiments/create", name="elsewhere", artifact_location="s3://bucket/here")

    operators(mlflow.url, experiment="elsewhere").execute(start("run"))

    (run,) = mlflow.runs("elsewhere")
    assert run["info"]["artifact_uri"].startswith("s3://bucket/here/")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"one": "success", "two": "success", "start_mlflow_run": "success"}, "FINISHED"),
        ({"one": "failed", "two": "success"}, "FAILED"),
        ({"one": "success", "two": "upstream_failed"}, "FAILED"),
        ({"one": "success", "two": "skipped"}, "FINISHED"),
    ],
)
def test_the_status_is_what_became_of_the_nodes(mlflow, operators, states, expected):
    """Whatever a pod has set it to before, and whatever name the pods gave it."""
    airflow = operators(mlflow.url, experiment=f"ended {states}")
    (begun,) = airflow.execute(start("run"))
    mlflow.call("POST", "runs/update", run_id=begun["result"], status="KILLED", run_name="__default__")

    (done,) = airflow.execute(finish("run", begun["result"], **states))

    assert done == {"result": None}
    (run,) = mlflow.runs(f"ended {states}")
    assert (run["info"]["status"], run["info"]["run_name"]) == (expected, "run")
    assert run["info"]["end_time"] > run["info"]["start_time"]


def test_a_run_that_is_cleared_goes_on_in_the_same_one(mlflow, operators):
    """It is running again, and a parameter that is logged already does not fail it."""
    airflow = operators(mlflow.url, experiment="cleared")
    (begun,) = airflow.execute(start("run"))
    airflow.execute(finish("run", begun["result"], one="failed"))

    (again,) = airflow.execute(start("run", dated=False))

    (run,) = mlflow.runs("cleared")
    assert (again, run["info"]["status"]) == (begun, "RUNNING")


def test_there_is_nothing_to_finish_where_nothing_was_started(mlflow, operators):
    """The start has failed, which the run shows already."""
    assert operators(mlflow.url).execute(finish("run", None)) == [{"result": None}]


@pytest.mark.parametrize("fault", ["lose", "cut"])
def test_a_lost_answer_makes_no_second_run(mlflow, operators, fault):
    """MLflow has made the run, and the operator finds it when it asks again."""
    with serving(in_front_of(mlflow, **{fault: "runs/create"})) as address:
        (begun,) = operators(address, experiment=fault).execute(start("run"))

    (run,) = mlflow.runs(fault)
    assert run["info"]["run_id"] == begun["result"]


def test_a_run_whose_start_failed_is_finished_all_the_same(mlflow, operators):
    """The start hands over what it has made as soon as it is there."""
    with serving(in_front_of(mlflow, refuse="runs/log-batch")) as address:
        airflow = operators(address, experiment="half")
        (failed,) = airflow.execute(start("run"))
        airflow.execute(finish("run", failed["pushed"][0], one="upstream_failed"))

    (run,) = mlflow.runs("half")
    assert "refuses (400, INVALID_PARAMETER_VALUE): not this" in failed["error"]
    assert (run["info"]["run_id"], run["info"]["status"]) == (failed["pushed"][0], "FAILED")


@pytest.mark.parametrize("password", ["hush\nhush", "hush\x7fhush"])
def test_a_password_that_cannot_be_sent_is_not_shown(guarded, operators, password):
    """What the libraries would say of it shows it."""
    login = {**LOGIN, "MLFLOW_TRACKING_PASSWORD": password}

    (failed,) = operators(guarded.url, VARS).execute(start("run", variables=login))

    assert "MLFLOW_TRACKING_PASSWORD in Airflow has a character that cannot be sent" in failed["error"]
    assert "hush" not in failed["error"]


def test_a_server_that_is_down_is_waited_for(mlflow, operators):
    """It comes up 20 s later by the operator's clock, and the task succeeds."""
    port, haste = free_port(), 10
    airflow = operators(f"http://127.0.0.1:{port}", experiment="late")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(airflow.execute, start("run"), haste=haste)
        time.sleep(20 / haste)
        assert not waiting.done()
        with serving(in_front_of(mlflow), port):
            (begun,) = waiting.result(60)

    assert [run["info"]["run_id"] for run in mlflow.runs("late")] == [begun["result"]]


def test_what_is_no_mlflow_is_said(operators):
    """A page for people, such as that of a login, is no answer."""

    class Page(in_front_of(MLflow(None, 0), allow="nobody")):
        pass

    with serving(Page) as address:
        (failed,) = operators(address).execute(start("run"))

    assert f"MLflow at {address} refuses (401): <html><title>Sign in" in failed["error"]


def test_a_handshake_that_breaks_off_is_tried_again(mlflow, operators, tmp_path):
    """As what stands before MLflow does while it is restarted."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(tmp_path / "ca.pem")}
    with proxied(mlflow.url, tls=tls) as proxy, ThreadPoolExecutor(1) as pool:
        proxy.refuse()
        with socket.create_server(("127.0.0.1", urlsplit(proxy.url).port)) as restarting:
            waiting = pool.submit(operators(proxy.url, experiment="handshake").execute, start("run"), **trust)
            connection, _ = restarting.accept()
            connection.recv(4096)
            connection.close()
        proxy.listen()
        (begun,) = waiting.result(60)

    assert [run["info"]["run_id"] for run in mlflow.runs("handshake")] == [begun["result"]]


def test_a_certificate_of_the_companys_own(mlflow, operators, tmp_path):
    """MLflow's own variables tell the worker what to trust and what to show; without them the task says so at once."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    # Later ones let a client without a certificate in, and then break off.
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("airflow@example.com").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    trust = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(tmp_path / "ca.pem")}
    show = {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(tmp_path / "client.pem")}
    blind = {"MLFLOW_TRACKING_INSECURE_TLS": "true"}
    unset = dict.fromkeys({**trust, **show, **blind}, "")
    with proxied(mlflow.url, tls=tls) as proxy:
        airflow = operators(proxy.url, experiment="tls")
        (distrustful,), (nobody,), (begun,), (careless,) = (
            airflow.execute(start("run"), **{**unset, **given}) for given in (show, trust, trust | show, blind | show)
        )
        airflow.execute(start("run"), **unset)

    assert "The TLS connection to MLflow at https://127.0.0.1" in distrustful["error"]
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH can name the CA bundle to trust" in distrustful["error"]
    assert "certificate verify failed" in distrustful["error"]
    assert "MLFLOW_TRACKING_CLIENT_CERT_PATH the certificate to show" in nobody["error"]
    assert "ALERT_HANDSHAKE_FAILURE" in nobody["error"]
    (run,) = mlflow.runs("tls")
    assert begun == careless == {"result": run["info"]["run_id"]}


def test_a_password_from_variables(guarded, operators):
    """It lets the operators in; a wrong one, or none, fails the task with its reason and without the word."""
    airflow = operators(guarded.url, VARS, experiment="guarded")

    (wrong,), (missing,) = (
        airflow.execute(start("run", variables=variables))
        for variables in ({**LOGIN, "MLFLOW_TRACKING_PASSWORD": f"{PASSWORD}x"}, {"MLFLOW_TRACKING_USERNAME": USERNAME})
    )
    (begun,) = airflow.execute(start("run", variables=LOGIN))

    assert "refuses (401): You are not authenticated" in wrong["error"]
    assert "check run_config.authentication" in wrong["error"]
    assert PASSWORD not in wrong["error"]
    assert "neither a Connection nor a Variable MLFLOW_TRACKING_PASSWORD" in missing["error"]
    assert [run["info"]["run_id"] for run in guarded.runs("guarded")] == [begun["result"]]


@pytest.fixture(scope="session")
def google_auth(tmp_path_factory):
    """A folder with google-auth, which Airflow need not have."""
    folder = tmp_path_factory.mktemp("google-auth")
    python = install.ensure(AIRFLOW, print)
    command = [install.find_uv(), "pip", "install", "--quiet", "--python", python, "--target", folder, "google-auth"]
    subprocess.run(command, check=True)
    return str(folder)


def key_pair():
    """Return a private key and its public key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public


def account_file(file, key, token_uri):
    """Write the file of a service account, and return its path."""
    identity = {"client_email": "airflow@project.iam.gserviceaccount.com", "private_key_id": "1"}
    account = {"type": "service_account", "private_key": key, "token_uri": token_uri, **identity}
    file.write_text(json.dumps(account), encoding="utf-8")
    return str(file)


def run_a_node(folder, address, **environment):
    """Run a node as its pod would, in a project that logs in to MLflow as the documentation says."""
    project = copy(folder)
    (code,) = re.findall(r"caption: `src/price_model/google.py`\n\n(.*?)```", MLFLOW_PAGE.read_text("utf-8"), re.DOTALL)
    write(project, "src/spaceflights/google.py", code)
    write(project, "src/spaceflights/pipelines/single/__init__.py", SINGLE)
    write(
        project,
        "conf/base/mlflow.yml",
        f"""
        server:
          mlflow_tracking_uri: {address}
          request_header_provider: {{type: spaceflights.google.GoogleToken}}
        tracking: {{experiment: {{name: google}}}}
        """,
    )
    done = kedro(project, "run", "--pipeline=single", "--nodes=only", **environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_id_token_of_google(mlflow, operators, google_auth, tmp_path):
    """A service account's signed word is exchanged for a token, which the server's guard lets through.

    It does so for a node, too, which logs in as the documentation says.
    """
    private, public = key_pair()
    token = unsigned_token(aud="mlflow-clients")
    with (
        serving(google(public, "mlflow-clients", token)) as issuer,
        serving(in_front_of(mlflow, allow=f"Bearer {token}")) as address,
    ):
        genuine = account_file(tmp_path / "genuine.json", private, issuer)
        forged = account_file(tmp_path / "forged.json", key_pair()[0], issuer)
        known = {"GOOGLE_AUDIENCE": "mlflow-clients", "GOOGLE_APPLICATION_CREDENTIALS": genuine}
        airflow = operators(address, {"type": "GoogleOAuth2"}, "google")
        (without,) = airflow.execute(start("run"), **known)
        (begun,) = airflow.execute(start("run"), path=google_auth)
        run_a_node(tmp_path, address, MLFLOW_RUN_ID=begun["result"], **known)
        (nobody,) = airflow.execute(start("run"), GOOGLE_AUDIENCE="")
        (refused,) = airflow.execute(start("run"), **{**known, "GOOGLE_APPLICATION_CREDENTIALS": forged})

    (run,) = mlflow.runs("google")
    assert (run["info"]["run_id"], pairs(run["data"]["params"])["ds"]) == (begun["result"], "2026-01-01")
    assert "Google gives no id token for mlflow-clients" in refused["error"]
    assert "Invalid JWT Signature" in refused["error"]
    assert "no variable GOOGLE_AUDIENCE" in nobody["error"]
    assert "lacks google-auth" in without["error"]
