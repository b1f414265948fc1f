"""The REST API of Airflow 2 and 3: a client of it, and waiting for a DAG to be loaded and for a run to end."""

from kedro_airflow_k8s.airflow.client import AirflowClient, new_run_id
from kedro_airflow_k8s.airflow.connection import connect, page
from kedro_airflow_k8s.airflow.ending import wait_for_end
from kedro_airflow_k8s.airflow.loading import Before, look, wait_until_loaded
from kedro_airflow_k8s.airflow.records import Dag, ImportFailure, LogRecord, Run, Task

__all__ = [
    "AirflowClient",
    "Before",
    "Dag",
    "ImportFailure",
    "LogRecord",
    "Run",
    "Task",
    "connect",
    "look",
    "new_run_id",
    "page",
    "wait_for_end",
    "wait_until_loaded",
]
