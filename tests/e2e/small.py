"""DAGs without pods, for tests of what the commands say to Airflow: cheap to load and quick to run."""

import textwrap
from dataclasses import dataclass, field

from kedro_airflow_k8s.model import File

HEAD = """
from datetime import datetime, timedelta, timezone

from airflow import DAG

try:  # Airflow 3
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk import BaseOperator
except ImportError:  # Airflow 2
    from airflow.models import BaseOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.triggers.temporal import TimeDeltaTrigger

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""

EMPTY = 'EmptyOperator(task_id="only")'


@dataclass(frozen=True)
class Small:
    """What `run.start` needs of a build: a DAG of that id which does `body`."""

    dag_id: str
    build_id: str = "0123456789ab"
    body: str = EMPTY
    schedule: str | None = None
    head: str = ""
    paused: bool = True
    file: File = field(init=False)

    def __post_init__(self):
        arguments = f"schedule={self.schedule!r}, start_date=START, catchup=False, tags=['kedro-airflow-k8s']"
        more = f"doc_md='Build id: {self.build_id}', is_paused_upon_creation={self.paused}"
        dag = f"with DAG({self.dag_id!r}, {arguments}, {more}):\n{textwrap.indent(self.body, '    ')}\n"
        object.__setattr__(self, "file", File(f"{self.dag_id}.py", f"{HEAD}{self.head}\n{dag}"))
