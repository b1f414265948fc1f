"""What is shown of a failed task's log.

`recorded/` has logs of Airflow 2.11.2 and 3.3.2 with the provider 10.25, as the REST API gave them: a sandbox ran a DAG
of two nodes, one that raises a KeyError and one that kills its own process with SIGKILL, and `content` of
`GET …/taskInstances/…/logs/…` was written down. Taken out are most lines of Kedro's log, fields of an entry that
nobody reads, and the names of a machine's folders.
"""

import json
from pathlib import Path

import pytest

from kedro_airflow_k8s.airflow.logs import from_v1, from_v2, pod_end, tail, waiting_reason
from kedro_airflow_k8s.airflow.records import LogRecord

POD_V1 = r"""
 INFO - ::group::Log message source details
*** Found local files:
***   * /logs/dag_id=demo/run_id=r/task_id=pod/attempt=2.log
 INFO - ::endgroup::
[2026-11-24T02:25:47.410+0000] {local_task_job_runner.py:123} INFO - ::group::Pre task execution logs
[2026-11-24T02:25:47.469+0000] {taskinstance.py:2885} INFO - Starting attempt 2 of 2
[2026-11-24T02:25:47.557+0000] {taskinstance.py:740} INFO - ::endgroup::
[2026-11-24T02:25:48.920+0000] {pod_manager.py:184} INFO - Pod has reached Failed phase before launch timeout
[2026-11-24T02:25:49.009+0000] {pod_manager.py:508} INFO - [base] kedro starts
[2026-11-24T02:25:49.015+0000] {pod_manager.py:508} INFO - [base] Traceback (most recent call last):
[2026-11-24T02:25:49.015+0000] {pod_manager.py:508} INFO - [base]   File "<string>", line 4, in f
[2026-11-24T02:25:49.016+0000] {pod_manager.py:508} INFO - [base] KeyError: 'nope'
[2026-11-24T02:25:49.238+0000] {pod.py:1557} INFO - Deleting pod: pod-espcp0l9
[2026-11-24T02:25:49.291+0000] {taskinstance.py:3337} ERROR - Task failed with exception
Traceback (most recent call last):
  File "/v/lib/python3.11/site-packages/airflow/models/taskinstance.py", line 776, in _execute_task
    result = _execute_callable(context=context, **execute_callable_kwargs)
airflow.exceptions.AirflowException: Pod pod-espcp0l9 returned a failure.
remote_pod: {'api_version': 'v1',
 'kind': 'Pod',
 'status': {'container_statuses': [{'name': 'base',
                                    'state': {'running': None,
                                              'terminated': {'container_id': None,
                                                             'exit_code': 137,
                                                             'message': None,
                                                             'reason': 'OOMKilled',
                                                             'signal': None},
                                              'waiting': None}}]}}
[2026-11-24T02:25:49.337+0000] {local_task_job_runner.py:266} INFO - Task exited with return code 1
[2026-11-24T02:25:49.379+0000] {local_task_job_runner.py:245} INFO - ::endgroup::
"""
PYTHON_V1 = r"""
[2026-11-24T02:25:40.375+0000] {local_task_job_runner.py:123} INFO - ::group::Pre task execution logs
[2026-11-24T02:25:40.557+0000] {taskinstance.py:3158} INFO - Exporting env vars: AIRFLOW_CTX_DAG_OWNER='airflow'
[2026-11-24T02:25:40.558+0000] {taskinstance.py:740} INFO - ::endgroup::
[2026-11-24T02:25:40.596+0000] {logging_mixin.py:190} INFO - before the boom
[2026-11-24T02:25:40.596+0000] {taskinstance.py:3337} ERROR - Task failed with exception
Traceback (most recent call last):
  File "/v/lib/python3.11/site-packages/airflow/models/taskinstance.py", line 776, in _execute_task
    result = _execute_callable(context=context, **execute_callable_kwargs)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/dags/bad.py", line 12, in boom
    raise ValueError("boom\nsecond line")
ValueError: boom
second line
[2026-11-24T02:25:40.607+0000] {taskinstance.py:1242} INFO - Marking task as FAILED. dag_id=demo, task_id=py
[2026-11-24T02:25:40.707+0000] {taskinstance.py:349} INFO - ::group::Post task execution logs
[2026-11-24T02:25:40.707+0000] {standard_task_runner.py:124} ERROR - Failed to execute job 4 for task py (boom
second line; 21722)
[2026-11-24T02:25:40.907+0000] {local_task_job_runner.py:245} INFO - ::endgroup::
"""
SOURCES = [{"event": "::group::Log message source details"}, {"event": "/logs/1.log"}, {"event": "::endgroup::"}]
MANAGER = "airflow.providers.cncf.kubernetes.utils.pod_manager.PodManager"
OPERATOR = "airflow.task.operators.airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
POD_V2 = [
    *SOURCES,
    {"event": "::group::Pre Execute", "level": "info", "logger": "task"},
    {"event": "Filling up the DagBag from /dags/demo.py", "level": "info", "logger": "airflow.BundleDagBag"},
    {"event": "::endgroup::", "level": "info", "logger": "task"},
    {"event": "[base] kedro starts", "level": "info", "logger": MANAGER},
    {"event": "[base] Traceback (most recent call last):", "level": "info", "logger": MANAGER},
    {"event": '[base]   File "<string>", line 4, in f', "level": "info", "logger": MANAGER},
    {"event": "[base] KeyError: 'nope'\n", "level": "info", "logger": MANAGER},
    {"event": "Deleting pod: pod-mmbkxbdt", "level": "info", "logger": OPERATOR},
    {
        "event": "Task failed with exception",
        "level": "error",
        "logger": "task",
        "error_detail": [
            {
                "exc_type": "AirflowException",
                "exc_value": "Pod pod-mmbkxbdt returned a failure.\nremote_pod: {'api_version': 'v1',\n"
                " 'terminated': {'container_id': None, 'exit_code': 137, 'reason': 'OOMKilled'}}",
                "frames": [],
            }
        ],
    },
    {"event": "::group::Post Execute", "level": "info", "logger": "task"},
    {"event": "::endgroup::", "level": "info", "logger": "task"},
]
PYTHON_V2 = [
    *SOURCES,
    {"event": "::group::Pre Execute", "level": "info", "logger": "task"},
    {"event": "Worker startup parse complete", "level": "info", "logger": "task"},
    {"event": "::endgroup::", "level": "info", "logger": "task"},
    {
        "event": "Task failed with exception",
        "level": "error",
        "logger": "task",
        "error_detail": [
            {
                "exc_type": "ValueError",
                "exc_value": "boom\nsecond line",
                "frames": [
                    {"filename": "/v/site-packages/airflow/sdk/task_runner.py", "lineno": 1579, "name": "_execute"},
                    {"filename": "/dags/bad.py", "lineno": 12, "name": "boom"},
                ],
            }
        ],
    },
    {"event": "::group::Post Execute", "level": "info", "logger": "task"},
    {"event": "before the boom", "level": "info", "logger": "task.stdout"},
    {"event": "::endgroup::", "level": "info", "logger": "task"},
]


def v1(text):
    return from_v1(repr([("host", text.lstrip("\n"))]))


def recorded(name):
    """Return the records of a recorded log."""
    text = (Path(__file__).parent / "recorded" / name).read_text(encoding="utf-8")
    return from_v2(json.loads(text)) if name.endswith(".json") else from_v1(text)


@pytest.mark.parametrize("records", [v1(POD_V1), from_v2(POD_V2)], ids=["v1", "v2"])
def test_the_lines_of_the_pod_are_what_is_shown(records):
    """Not Airflow's traceback after them, which may end with the pod's description."""
    assert (
        "kedro starts",
        "Traceback (most recent call last):",
        '  File "<string>", line 4, in f',
        "KeyError: 'nope'",
    ) == tail(records, 25)
    assert ("KeyError: 'nope'",) == tail(records, 1)


@pytest.mark.parametrize("name", ["2.11.2-{}.txt", "3.3.2-{}.json"])
@pytest.mark.parametrize(
    ("task", "ended", "last"),
    [("killed", "exit code 137", "about to be killed"), ("failing", "exit code 1", "KeyError: 'no_such_column'")],
)
def test_how_a_pod_ended_is_read_from_what_the_provider_writes(name, task, ended, last):
    """Where our operator was not there to write it."""
    records = recorded(name.format(task))

    assert f"Pod ended: {ended}" == pod_end(records)
    assert (last,) == tail(records, 1)
    assert waiting_reason(records) is None


@pytest.mark.parametrize("name", ["2.11.2-killed.txt", "3.3.2-killed.json"])
def test_a_reason_of_kubernetes_is_named(name):
    """Out of memory, for one; `Error` says nothing."""
    killed = [
        LogRecord(record.text.replace("reason='Error'", "reason='OOMKilled'"), record.level, record.source)
        for record in recorded(name)
    ]

    assert "Pod ended: OOMKilled, exit code 137" == pod_end(killed)


@pytest.mark.parametrize("name", ["2.11.2-killed.txt", "3.3.2-killed.json"])
def test_what_our_operator_writes_of_the_end_comes_before_the_providers_words(name):
    """It has looked at more."""
    records = (*recorded(name), LogRecord("Pod ended: out of memory\nmore", "error", "x.NodePodOperator"))

    assert "Pod ended: out of memory" == pod_end(records)
    assert not any(line.startswith("Pod ended") for line in tail(records, 99))


def test_the_lines_of_a_deferred_pod_on_airflow_3():
    """The operator writes them, which is a class of ours."""
    records = from_v2([{"event": "[base] logs: line 1", "logger": "airflow.task.operators.x.NodePodOperator"}])

    assert ("line 1",) == tail(records, 25)


def test_the_lines_of_a_deferred_pod():
    """Airflow writes another word before them."""
    records = v1("[2026-11-24T02:25:53.181+0000] {pod.py:1353} INFO - [base] logs: line 1\n")

    assert ("line 1",) == tail(records, 25)


@pytest.mark.parametrize("records", [v1(PYTHON_V1), from_v2(PYTHON_V2)], ids=["v1", "v2"])
def test_a_task_without_a_pod_shows_its_own_part_of_the_log(records):
    """What it printed and why it failed, without Airflow's book-keeping and Airflow's own frames."""
    lines = tail(records, 25)
    code = ('    raise ValueError("boom\\nsecond line")',)

    assert (
        "before the boom",
        "Task failed with exception",
        "Traceback (most recent call last):",
        '  File "/dags/bad.py", line 12, in boom',
        *(code if code[0] in lines else ()),
        "ValueError: boom",
        "second line",
    ) == lines
    assert "" == pod_end(records)


def test_a_pod_that_never_started():
    """There are no lines of the pod; then those of Airflow say why."""
    records = v1(
        "[2026-11-24T02:25:48.920+0000] {pod_manager.py:166} INFO - ::group::Waiting up to 120s to get the POD ...\n"
        "[2026-11-24T02:25:48.920+0000] {pod_manager.py:120} WARNING - ErrImagePull: no such image\n"
        "[2026-11-24T02:25:49.291+0000] {taskinstance.py:3337} ERROR - Task failed with exception\n"
        "airflow.exceptions.AirflowException: Pod took too long to start\n"
    )

    assert (
        "ErrImagePull: no such image",
        "Task failed with exception",
        "airflow.exceptions.AirflowException: Pod took too long to start",
    ) == tail(records, 25)


def test_a_traceback_of_nothing_but_airflow():
    """Only what it says is left of it."""
    frames = [{"filename": "/v/site-packages/airflow/providers/bash.py", "lineno": 225, "name": "execute"}]
    detail = [{"exc_type": "AirflowException", "exc_value": "Bash command failed.", "frames": frames}]
    records = from_v2([{"event": "Task failed with exception", "error_detail": detail}])

    assert ("Task failed with exception", "AirflowException: Bash command failed.") == tail(records, 25)


def test_a_task_that_broke_before_it_began():
    """A group of dull lines that never ended is where it broke."""
    records = from_v2([*SOURCES, {"event": "::group::Pre Execute"}, {"event": "cannot load the DAG"}])

    assert ("cannot load the DAG",) == tail(records, 25)


def test_a_chain_of_exceptions():
    """The cause comes first, as Python writes it."""
    frames = [{"filename": "/dags/bad.py", "lineno": 1, "name": "f"}]
    detail = [
        {"exc_type": "RuntimeError", "exc_value": "outer", "is_cause": False, "frames": frames},
        {"exc_type": "KeyError", "exc_value": "'inner'", "is_cause": True, "frames": frames},
    ]
    lines = tail(from_v2([{"event": "Task failed with exception", "error_detail": detail}]), 25)

    assert lines.index("KeyError: 'inner'") < lines.index("RuntimeError: outer")
    assert "RuntimeError: outer" == lines[-1]


@pytest.mark.parametrize("content", ["*** Could not read served logs: no such host", "[broken"])
def test_a_log_in_no_known_format_is_shown_as_it_is(content):
    """An older Airflow, or one whose worker is gone."""
    assert (content,) == tail(from_v1(content), 25)


def test_lines_that_are_not_entries():
    """Early releases of Airflow 3 put plain lines between them."""
    assert ("plain",) == tail(from_v2(["plain"]), 25)


def test_an_empty_log():
    """Nothing to show is no error."""
    assert () == tail(from_v1("[]"), 25) == tail(from_v2([]), 25)
