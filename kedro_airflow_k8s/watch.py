"""What the terminal shows while a run goes on: a table that changes, or lines where there is no terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kedro_airflow_k8s.terminal import visible

if TYPE_CHECKING:
    from kedro_airflow_k8s.airflow import Run, Task

# Lines of why tasks wait, before the table.
_NOTES = 5
# Airflow considers a task only when what stands before it is done.
NO_STATE = "waiting"
_RUNNING = frozenset({"running", "deferred", "awaiting_input"})
_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_STYLES = {
    "success": "green",
    "failed": "bold red",
    "upstream_failed": "red",
    "up_for_retry": "yellow",
    "up_for_reschedule": "yellow",
    "restarting": "yellow",
    "awaiting_input": "bold yellow",
    "running": "bold cyan",
    "deferred": "cyan",
    "queued": "blue",
    "scheduled": "blue",
    NO_STATE: "dim",
    "skipped": "dim",
    "removed": "dim",
}


class Watcher:
    """Shows a run on `progress` as it is told of it, and its whole table on `result` at the end, however that comes.

    A context manager; `show` and `report` are what `airflow.wait_for_end` calls.
    """

    def __init__(self, progress: Console, result: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._result = result
        self._now = now
        self._start = now()
        self._run: Run | None = None
        self._tasks: tuple[Task, ...] = ()
        self._since: dict[tuple[str, int], float] = {}
        # Drawn when something is known, not by a clock of its own: a wait takes hours and should take no CPU.
        self._live = Live(console=progress, auto_refresh=False, transient=True) if progress.is_interactive else None

    def __enter__(self) -> Watcher:
        """Begin to show."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take away the live table, and print the whole of it."""
        if self._live:
            self._live.stop()
        if self._run:
            self._result.print(table(self._tasks, self._durations()))
            self._result.print(self._headline(self._run), soft_wrap=True)

    def report(self, text: str) -> None:
        """Print a line beside the table."""
        self._progress.print(_text(text), soft_wrap=True)

    def show(self, run: Run, tasks: Sequence[Task]) -> None:
        """Show how the run stands."""
        before, self._run, self._tasks = (self._run, self._tasks), run, tuple(tasks)
        self._note_starts()
        if self._live:
            self._live.update(self._live_table(run), refresh=True)
        else:
            self._print_changes(run, *before)

    def _note_starts(self) -> None:
        # By our own clock: Airflow's may differ, and it names no duration before the end.
        running = {(task.name, task.try_number) for task in self._tasks if task.state in _RUNNING}
        self._since |= {key: self._now() for key in running - self._since.keys()}

    def _durations(self) -> list[str]:
        return [self._duration(task) for task in self._tasks]

    def _duration(self, task: Task) -> str:
        since = self._since.get((task.name, task.try_number))
        if task.state in _RUNNING and since is not None:
            return span(self._now() - since)
        # On SQLite Airflow 3.0 now and then tells a negative one.
        duration = task.duration or 0.0
        return span(duration) if duration > 0 and task.state in _ENDED else ""

    def _headline(self, run: Run) -> Text:
        state = _text(run.state, _STYLES.get(run.state, ""))
        return Text.assemble(
            _text(f"Run {run.run_id}: "), state, " after " if run.has_ended else " for ", self._elapsed(run)
        )

    def _elapsed(self, run: Run) -> str:
        return span((run.end - run.start).total_seconds() if run.start and run.end else self._now() - self._start)

    def _live_table(self, run: Run) -> Group:
        notes = [_text(f"{task.name} waits: {task.note}") for task in self._tasks if task.note][:_NOTES]
        rows = max(3, self._progress.height - 6 - len(notes))
        tasks, hidden = self._tasks, ""
        if len(tasks) > rows:
            # What goes on now, then what ended last; the rest is counted.
            active = [task for task in tasks if task.state and task.state not in _ENDED]
            ended = [task for task in tasks if task.state in _ENDED]
            shown = {task.name for task in (active + ended[::-1])[:rows]}
            tasks = tuple(task for task in tasks if task.name in shown)
            others = Counter(task.state or NO_STATE for task in self._tasks if task.name not in shown)
            hidden = "and " + ", ".join(f"{count} {state}" for state, count in others.items())
        drawn = table(tasks, [self._duration(task) for task in tasks])
        # The headline first: what does not fit on the screen is cut off at its lower end.
        return Group(self._headline(run), *notes, drawn, _text(hidden, "dim"))

    def _print_changes(self, run: Run, former: Run | None, former_tasks: tuple[Task, ...]) -> None:
        if former is None or former.state != run.state:
            self._print_line(f"run {run.run_id}: {run.state}")
        known = {task.name: (task.state, task.try_number) for task in former_tasks}
        notes = {task.name: task.note for task in former_tasks}
        for task in self._tasks:
            if task.state is not None and known.get(task.name) != (task.state, task.try_number):
                attempt = f" (try {task.try_number})" if task.try_number > 1 else ""
                duration = self._duration(task) if task.state in _ENDED else ""
                self._print_line(f"{task.name}: {task.state}{attempt}{f' after {duration}' if duration else ''}")
            if task.note and notes.get(task.name) != task.note:
                self._print_line(f"{task.name} waits: {task.note}")

    def _print_line(self, text: str) -> None:
        self._progress.print(_text(f"[{span(self._now() - self._start)}] {text}"), soft_wrap=True)


def table(tasks: Sequence[Task], durations: Sequence[str]) -> Table:
    """Draw the tasks; an id that is too long for the terminal takes several lines."""
    drawn = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    drawn.add_column("Task", overflow="fold")
    drawn.add_column("State", no_wrap=True)
    drawn.add_column("Try", justify="right", no_wrap=True)
    drawn.add_column("Duration", justify="right", no_wrap=True)
    for task, duration in zip(tasks, durations, strict=True):
        state = task.state or NO_STATE
        tries = str(task.try_number) if task.try_number else ""
        drawn.add_row(_text(task.name), _text(state, _STYLES.get(state, "")), tries, duration)
    return drawn


def _text(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)


def span(seconds: float) -> str:
    """Write a length of time as a clock does: 0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
