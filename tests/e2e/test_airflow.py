"""What the commands ask of a real Airflow, and what they make of its answers."""

import json
import os
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import requests
import trustme

from kedro_airflow_k8s import run
from kedro_airflow_k8s.airflow import connect, wait_for_end
from kedro_airflow_k8s.build import next_start
from kedro_airflow_k8s.errors import AirflowDenied, AirflowUnreachable, DagNotLoaded, RunFailed
from tests.e2e.conftest import kedro, shown, wait_for, write
from tests.e2e.small import EMPTY, HEAD, Small
from tests.e2e.terminal import Terminal
from tests.proxy import proxied

# Everything that a logger has to say, and the values of variables in tracebacks.
NOISY = """
version: 1
disable_existing_loggers: False
handlers:
  rich: {class: kedro.logging.RichHandler, rich_tracebacks: True, tracebacks_show_locals: True, level: NOTSET}
  plain: {class: logging.StreamHandler, level: NOTSET, stream: ext://sys.stdout}
root: {handlers: [rich, plain], level: NOTSET}
"""


def start(lab, small, **options):
    """Upload a DAG and trigger it; return the run and what was said."""
    said = []
    options = {"replace_schedule": False, **options}
    return run.start(small, lab.client, str(lab.server.dags), run.Wait(120), report=said.append, **options), said


def next_run(lab, dag_id):
    """Return when a DAG runs next, as Airflow has it."""
    dag = lab.api("GET", f"/dags/{dag_id}")
    return (dag.get("next_dagrun_run_after") or dag["next_dagrun_create_after"])[:16].replace("T", " ")


def test_credentials_that_do_not_do(lab):
    """Absent or wrong: one error that names the variables and not what they hold."""
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": lab.server.password}
    said = []
    for environ in ({}, {**login, "AIRFLOW_API_PASSWORD": "planted"}, {"AIRFLOW_API_TOKEN": "planted"}):
        with pytest.raises(AirflowDenied) as error:
            connect(lab.server.url, environ).dags()
        said.append(str(error.value))

    absent, password, token = said
    assert "wants to know who you are" in absent
    assert "set AIRFLOW_API_TOKEN, or AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD" in absent
    assert "check AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD" in password
    assert "check AIRFLOW_API_TOKEN" in token
    assert "planted" not in "".join(said)


def test_wrong_credentials_end_the_command_before_anything_is_uploaded(lab):
    """Exit code 1, one line, no traceback, and nowhere the password, whatever is logged."""
    write(lab.project, "conf/noisy.yml", NOISY)
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": "planted-password"}
    noise = {"KEDRO_LOGGING_CONFIG": str(lab.project / "conf/noisy.yml")}
    result = kedro(lab.project, "airflow-k8s", "run-once", "-d", "denied", **login, **noise)

    assert result.returncode == 1
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert "check AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD" in line
    assert "DEBUG" in result.stdout
    assert "planted" not in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not (lab.server.dags / "denied.py").exists()


def test_behind_a_prefix_and_a_certificate_of_the_companys_own(lab, tmp_path):
    """The bundle is trusted, every address keeps the prefix; without the bundle the user reads what to set."""
    authority, tls, bundle = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(bundle)
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": lab.server.password}
    with proxied(lab.server.url, "/team/airflow", tls) as proxy:
        client = connect(proxy.url, {**login, "AIRFLOW__CLIENT__SSL_VERIFY": str(bundle)})
        client.dags()
        with pytest.raises(AirflowUnreachable, match="AIRFLOW__CLIENT__SSL_VERIFY can name"):
            connect(proxy.url, login)
        said = []
        connect(proxy.url, {**login, "AIRFLOW__CLIENT__SSL_VERIFY": "False"}, report=said.append).dags()

    assert lab.client.version == client.version
    assert {f"/team/airflow{client.api.path}/dags"} <= {path.partition("?")[0] for _, path in proxy.requests}
    assert f"{proxy.url}/dags/demo" == client.page("demo")
    assert ["Warning: AIRFLOW__CLIENT__SSL_VERIFY switches off the check of Airflow's certificate"] == said


def test_a_file_that_airflow_cannot_import(lab):
    """Airflow's own traceback, as soon as it has it."""
    with pytest.raises(DagNotLoaded) as error:
        start(lab, Small("unimportable", head="from no_such_package import anything\n"))
    (lab.server.dags / "unimportable.py").unlink()

    said = str(error.value)
    assert "unimportable.py" in said.splitlines()[0]
    assert "Traceback (most recent call last):" in said
    assert "ModuleNotFoundError: No module named 'no_such_package'" in said


def test_the_same_file_twice_is_two_runs(lab):
    """The second upload changes nothing, and has its run all the same; the DAG is unpaused once."""
    small = Small("again")
    first, said = start(lab, small)
    second, repeated = start(lab, small)

    assert f"Uploaded: {lab.server.dags}/again.py" == said[0]
    assert ["Unpaused again", f"Triggered {first.run_id}"] == said[-2:]
    assert [f"Unchanged in Airflow: {lab.server.dags}/again.py", f"Triggered {second.run_id}"] == repeated
    assert {first.run_id, second.run_id} == {each["dag_run_id"] for each in lab.runs("again")}
    assert ["success"] * 2 == [lab.end("again", each.run_id) for each in (first, second)]


def test_a_run_is_one_of_the_file_that_was_uploaded(lab):
    """Not of the one before it, even if that was loaded a moment ago."""
    former, _ = start(lab, Small("replaced"))
    new, _ = start(lab, Small("replaced", "ba9876543210", 'EmptyOperator(task_id="other")'))
    for each in (former, new):
        lab.end("replaced", each.run_id)

    assert {"other": "success"} == lab.states("replaced", new.run_id)


HARD = '''
class Hard(BaseOperator):
    """Is deferred, fails at its first try, or at each."""

    def __init__(self, how, **more):
        super().__init__(**more)
        self.how = how

    def execute(self, context):
        print("working", self.how)
        if self.how == "deferred":
            self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=4)), method_name="finish")
        if self.how == "failing" or context["ti"].try_number == 1:
            raise ValueError("it cannot be " + self.how)

    def finish(self, context, event=None):
        print("deferred no more")


'''
TASKS = """
for how in ("deferred", "retried", "failing"):
    Hard(task_id=how, how=how, retries=how == "retried", retry_delay=timedelta(seconds=3))
"""


def test_tasks_that_are_deferred_tried_again_and_fail(lab):
    """Neither a deferral nor a retry is an end; the failure is shown with the task's last words."""
    started, _ = start(lab, Small("hard", body=TASKS.strip(), head=HARD))
    last = {}

    def note(_, tasks):
        last.update({task.task_id: (task.state, task.try_number) for task in tasks})

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_end, lab.client, "hard", started.run_id, seconds=180, seen=note)
        # Looked for here, as the wait itself looks at the tasks less often than would do.
        wait_for(lambda: lab.states("hard", started.run_id).get("deferred") == "deferred")
        with pytest.raises(RunFailed) as error:
            waiting.result()

    assert {"deferred": ("success", 1), "retried": ("success", 2), "failing": ("failed", 1)} == last
    said = str(error.value)
    assert f"run {started.run_id} of hard failed, because of failing; see {lab.client.host}/dags/hard/" in said
    assert "Task failing failed at try 1; its last log lines:" in said
    assert "working failing" in said
    assert "ValueError: it cannot be failing" in said


def test_a_schedule_is_not_ended_by_a_run_of_its_own(lab):
    """`schedule` says when it runs next, dependencies included; `run-once` replaces it only when told to."""
    schedule = ("-e", "stopped", "-p", "probe", "schedule", "-c", "0 5 * * *", "-d", "nightly", "-i", "other:1")
    scheduled = lab.kedro(*schedule)
    assert scheduled.returncode == 0, scheduled.stdout + scheduled.stderr
    uploaded = (lab.server.dags / "nightly.py").read_text()
    dag = wait_for(lambda: lab.client.dag("nightly"))
    starts = next_run(lab, "nightly")
    tasks = {task["task_id"] for task in lab.api("GET", "/dags/nightly/tasks")["tasks"]}

    refused = lab.kedro("-e", "stopped", "-p", "probe", "run-once", "-d", "nightly")
    kept = (lab.server.dags / "nightly.py").read_text()
    replaced = lab.kedro("-e", "stopped", "-p", "probe", "run-once", "-d", "nightly", "--replace-schedule")

    assert "other:1" in uploaded
    assert "0 5 * * *" == dag.schedule
    assert "wait_for_upstream" in tasks
    assert "Once Airflow has loaded nightly and it is not paused, its next run starts at" in scheduled.stderr
    assert starts in scheduled.stderr
    assert (1, uploaded) == (refused.returncode, kept)
    assert "Airflow has nightly with the schedule 0 5 * * *" in refused.stderr
    assert "-d, or say --replace-schedule" in refused.stderr
    assert replaced.returncode == 0, replaced.stdout + replaced.stderr
    (started,) = lab.runs("nightly")
    assert "wait_for_upstream" not in lab.states("nightly", started["dag_run_id"])
    assert lab.client.dag("nightly").schedule is None
    lab.stop("nightly", started["dag_run_id"])


def test_when_a_schedule_runs_next_is_what_airflow_says(lab):
    """Both Airflows, with their different ideas of when a new DAG begins."""
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = {
        "past": today - timedelta(days=2),
        "old": today - timedelta(days=300),
        "future": today + timedelta(days=9),
    }
    cases = {
        f"next-{name}-{number}": (cron, begin)
        for name, begin in starts.items()
        for number, cron in enumerate(("@daily", "30 4 * * *", "@weekly", "0 0 1 * *"))
    }
    dags = [
        f"with DAG({dag_id!r}, schedule={cron!r}, start_date=datetime.fromisoformat({begin.isoformat()!r}),"
        f" catchup=False):\n    {EMPTY}"
        for dag_id, (cron, begin) in cases.items()
    ]
    (lab.server.dags / "next.py").write_text("\n".join([HEAD, *dags]))
    for dag_id in cases:
        wait_for(lambda dag_id=dag_id: lab.client.dag(dag_id))
    found = {dag_id: next_run(lab, dag_id) for dag_id in cases}
    (lab.server.dags / "next.py").unlink()

    for dag_id, (cron, begin) in cases.items():
        said = next_start(cron, begin, catchup=False, now=datetime.now(timezone.utc))
        assert found[dag_id] in said, dag_id


MANY = """
for number in range(250):
    experiment = [] if number == 7 else [f"experiment_name:e{number % 3}"]
    tags = ["kedro-airflow-k8s", "other", *experiment] if number < 249 else []
    with DAG(f"many-{number:03}", schedule=None, start_date=START, tags=tags):
        EmptyOperator(task_id="only")
"""


def test_250_dags_are_listed_however_noisy_kedro_is(lab, tmp_path):
    """All of them, of a server that gives 100 at a time; the last line of stdout is JSON, and shows no secret."""
    (lab.server.dags / "many.py").write_text(HEAD + MANY)
    write(lab.project, "conf/noisy.yml", NOISY)
    wait_for(lambda: len([dag for dag in lab.client.dags() if dag.dag_id.startswith("many")]) == 249, 120)
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": lab.server.password}
    command = ("airflow-k8s", "list-pipelines", "--format", "json", "--output-file", str(tmp_path / "dags.json"))
    result = kedro(lab.project, *command, **login, KEDRO_LOGGING_CONFIG=str(lab.project / "conf/noisy.yml"))
    (lab.server.dags / "many.py").unlink()

    assert result.returncode == 0, result.stdout + result.stderr
    listed = json.loads(result.stdout.splitlines()[-1])
    assert listed == json.loads((tmp_path / "dags.json").read_text())
    many = {entry["id"]: entry["name"] for entry in listed if entry["id"].startswith("many-")}
    assert many == {f"many-{number:03}": "" if number == 7 else f"e{number % 3}" for number in range(249)}
    assert "DEBUG" in result.stdout
    for secret in (lab.server.password, shown(lab.client)):
        assert secret not in result.stdout + result.stderr


def test_ui_leads_to_the_page_of_the_dag(lab, tmp_path):
    """Printed and opened; either Airflow knows the address."""
    browser = tmp_path / "xdg-open"
    browser.write_text(f"#!/bin/sh\necho \"$1\" > '{tmp_path}/opened'\n")
    browser.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = kedro(lab.project, "airflow-k8s", "ui", "-d", "again", PATH=path)
    assert result.returncode == 0, result.stdout + result.stderr
    (address,) = (line for line in result.stdout.splitlines() if line.startswith("http"))
    opened = wait_for(lambda: (tmp_path / "opened").exists() and (tmp_path / "opened").read_text().strip())
    answer = requests.get(address, timeout=10, allow_redirects=False)

    assert f"{lab.server.url}/dags/again" == address == opened
    if lab.client.version.major == 2:
        assert (302, "/dags/again/grid") == (answer.status_code, answer.headers["Location"])
    else:
        assert (200, "text/html") == (answer.status_code, answer.headers["Content-Type"].partition(";")[0])


def test_ctrl_c_leaves_the_run_going(lab):
    """At a terminal of 80 columns: a live table, exit code 130, and an address by which to come back."""
    login = {"AIRFLOW_API_USERNAME": lab.server.username, "AIRFLOW_API_PASSWORD": lab.server.password}
    arguments = ("airflow-k8s", "-p", "probe", "run-once", "-d", "left-alone", "-w")
    with Terminal(lab.project, *arguments, columns=80, **login) as terminal:
        terminal.read_until(r"create_pipeline_storage +(running|success)")
        terminal.press_ctrl_c()
        code = terminal.wait()

    assert 130 == code
    (address,) = set(re.findall(r"The run goes on; see (\S+)", terminal.text.replace("\r\n", "\n")))
    run_id = "kedro__" + address.partition("kedro__")[2]
    assert "Traceback" not in terminal.text
    assert lab.server.password not in terminal.text
    assert max(len(line) for line in terminal.table_lines()) <= 80
    assert "success" == wait_for_end(lab.client, "left-alone", run_id, seconds=180).state
