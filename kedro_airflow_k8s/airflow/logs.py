"""The log of a task: the formats of both API versions, and the part of it that says why the task failed."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kedro_airflow_k8s.airflow import fields
from kedro_airflow_k8s.airflow.records import LogRecord
from kedro_airflow_k8s.contract import POD_ENDED, POD_WAITS

_V1_START = re.compile(r"\[\d{4}-\d\d-\d\dT[^\]]*\] \{(?P<source>[^}]*)\} (?P<level>[A-Z]+) - (?P<text>.*)")
# A deferred task prints the pod's lines with a further word.
_POD_LINE = re.compile(r"\[(?P<container>[a-z0-9-]+)\] (?:logs: )?(?P<text>.*)", re.DOTALL)
# The operator writes the lines of a pod whose task was deferred; ours is a subclass of the provider's.
_POD_SOURCES = ("pod_manager.py", "PodManager", "pod.py", "PodOperator")
_DULL_GROUPS = ("Pre ", "Post ", "Log message source details")
_FAILURE = "Task failed with exception"
# What the provider writes of a container, where our operators did not come to write their own line.
_PROVIDERS_END = re.compile(
    r"Container 'base': state='TERMINATED', reason='?(?P<reason>\w+)'?, exit_code=(?P<code>\d+)", re.ASCII
)


def from_v1(content: Any) -> tuple[LogRecord, ...]:
    """Read what API v1 sends: a list of (host, text), written as Python does."""
    try:
        texts = [str(text) for _, text in ast.literal_eval(content)]
    except (MemoryError, RecursionError, ValueError, SyntaxError, TypeError):
        texts = [str(content)]
    records: list[LogRecord] = []
    for line in "\n".join(texts).splitlines():
        start = _V1_START.fullmatch(line)
        if start:
            source = start["source"].partition(":")[0]
            records.append(LogRecord(start["text"], start["level"].lower(), source))
        elif records and records[-1].source:
            last = records[-1]
            records[-1] = LogRecord(f"{last.text}\n{line}", last.level, last.source)
        else:
            records.append(LogRecord(line.removeprefix(" INFO - ")))
    return tuple(records)


def from_v2(content: Any) -> tuple[LogRecord, ...]:
    """Read what API v2 sends: one mapping for each entry, with exceptions as data."""
    entries = content if isinstance(content, list) else [content]
    return tuple(_from_entry(entry) if isinstance(entry, Mapping) else LogRecord(str(entry)) for entry in entries)


def _from_entry(entry: Mapping[str, Any]) -> LogRecord:
    text = str(entry.get("event", "")).rstrip("\n")
    for number, error in enumerate(reversed(fields.records(entry, "error_detail"))):
        if number:
            text += "\n\nfrom which then came:"
        text += "\nTraceback (most recent call last):"
        for frame in fields.records(error, "frames"):
            text += f'\n  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        text += f"\n{error.get('exc_type')}: {error.get('exc_value')}"
    return LogRecord(text, str(entry.get("level", "")), str(entry.get("logger") or ""))


def tail(records: Sequence[LogRecord], count: int) -> tuple[str, ...]:
    """Return the last lines that tell why a task failed: those of its pod, else Airflow's up to the failure."""
    lines = _of_pod(records) or _of_task(records)
    return tuple(line.rstrip() for line in lines[-count:])


def pod_end(records: Sequence[LogRecord]) -> str:
    """Return the line that says how the task's pod ended, empty if the log does not say."""
    said = [record.text.splitlines()[0] for record in records if record.text.startswith(POD_ENDED)]
    if said:
        return said[-1]
    found = [match for record in records for match in _PROVIDERS_END.finditer(record.text)]
    if not found or found[-1]["reason"] == "Completed":
        return ""
    reason = found[-1]["reason"]
    return f"{POD_ENDED}{'' if reason in {'None', 'Error'} else f'{reason}, '}exit code {found[-1]['code']}"


def waiting_reason(records: Sequence[LogRecord]) -> str | None:
    """Return why the task's pod waits; empty if the log does not say, and None once a container has written a line."""
    reason: str | None = ""
    for record in records:
        if record.text.startswith(POD_WAITS):
            reason = record.text.splitlines()[0].removeprefix(POD_WAITS).strip()
        elif _pod_line(record) or record.text.startswith(POD_ENDED):
            reason = None
    return reason


def _pod_line(record: LogRecord) -> re.Match[str] | None:
    return _POD_LINE.fullmatch(record.text) if record.source.endswith(_POD_SOURCES) else None


def _of_pod(records: Sequence[LogRecord]) -> list[str]:
    lines: list[str] = []
    for record in records:
        match = _pod_line(record)
        if match:
            lines += match["text"].splitlines() or [""]
    return lines


def _of_task(records: Sequence[LogRecord]) -> list[str]:
    """Return the lines without Airflow's own book-keeping; all of them if nothing is left without it."""
    kept: list[LogRecord] = []
    failure: list[LogRecord] = []
    for record in _without_dull_groups(records):
        if record.text.startswith(POD_ENDED):
            # It is shown by itself.
            continue
        if failure and not record.source.startswith("task.std"):
            # What follows a failure is how Airflow records it, but for what the task printed and was held up.
            continue
        (failure if record.text.startswith(_FAILURE) else kept).append(record)
    # A pod's whole description, hundreds of lines, ends the error of a pod that failed.
    texts = [_without_own_frames(record.text.partition("\nremote_pod: {")[0]) for record in (*kept, *failure)]
    return [line for text in texts for line in text.splitlines()] or [record.text for record in records]


def _without_dull_groups(records: Sequence[LogRecord]) -> list[LogRecord]:
    kept: list[LogRecord] = []
    group: list[LogRecord] | None = None
    for record in records:
        if record.text.startswith("::group::"):
            # One that never ended is where the task broke.
            kept += group or ()
            group = [] if record.text.removeprefix("::group::").startswith(_DULL_GROUPS) else None
        elif record.text.startswith("::endgroup::"):
            group = None
        elif group is None or record.level == "error" or record.source.startswith("task.std"):
            kept.append(record)
        else:
            group.append(record)
    return kept + (group or [])


def _without_own_frames(text: str) -> str:
    """Return a traceback without the frames of Airflow's own code, which are many and the same each time."""
    kept: list[str] = []
    dropping = False
    for line in text.splitlines():
        if line.startswith('  File "'):
            dropping = "site-packages/airflow/" in line
        elif not line.startswith("    "):
            dropping = False
            if kept and kept[-1].startswith("Traceback ("):
                # None of its frames are left.
                kept.pop()
        if not dropping:
            kept.append(line)
    return "\n".join(kept)
