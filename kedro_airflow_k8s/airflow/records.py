"""What Airflow tells of DAGs, runs and tasks, as data that is the same for every version of its API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Dag:
    """A DAG as Airflow has it now.

    `schedule` is None for a DAG that only runs when triggered; `doc_md` is empty, and `file_token` may be, in lists.
    `is_active` is false once its file is gone; `is_broken` is true while Airflow has it but can no longer import its
    file.
    """

    dag_id: str
    is_paused: bool
    is_active: bool
    schedule: str | None
    tags: tuple[str, ...]
    doc_md: str
    file: str
    file_token: str
    is_broken: bool = False

    def can_run(self, build_id: str) -> bool:
        """Whether a run triggered now would be one of that build."""
        return build_id in self.doc_md and self.is_active and not self.is_broken


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str
    state: str
    start: datetime | None = None
    end: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the state is one that a run keeps."""
        return self.state in {"success", "failed"}


@dataclass(frozen=True)
class Task:
    """One task of a run.

    `state` is None until Airflow considers the task; `duration` is in seconds, None until it ends. `note` says what the
    task waits for, if that is known.
    """

    task_id: str
    state: str | None
    try_number: int
    start: datetime | None = None
    duration: float | None = None
    map_index: int = -1
    note: str = ""

    @property
    def name(self) -> str:
        """The task's id, and which one it is of a mapped task."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class ImportFailure:
    """A DAG file that Airflow could not import; `seen` changes each time Airflow tries and fails."""

    file: str
    bundle: str
    seen: str
    traceback: str

    @property
    def origin(self) -> tuple[str, str]:
        """Which file it is, among those of all bundles."""
        return self.bundle, self.file


@dataclass(frozen=True)
class LogRecord:
    """One entry of a task's log; `source` is what wrote it, a logger or a Python file."""

    text: str
    level: str = ""
    source: str = ""
