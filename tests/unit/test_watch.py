"""What the terminal shows of a run: a live table, plain lines, and the whole table at the end."""

import io
import re

import pytest
from rich.console import Console

from kedro_airflow_k8s.airflow import Run, Task
from kedro_airflow_k8s.watch import Watcher, span


def run(state="running"):
    return Run("demo", "r", state)


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


def plain():
    return Console(file=io.StringIO(), force_terminal=False, width=80)


def terminal(width=80, height=25):
    return Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=width, height=height)


def text(console):
    """Return what a console printed, without control codes."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", console.file.getvalue())


def test_without_a_terminal_each_change_is_one_plain_line(clock):
    """No control codes, nothing twice; tasks that nobody has considered yet are left out."""
    progress = plain()
    with Watcher(progress, plain(), clock) as watcher:
        watcher.show(run("queued"), [Task("a", None, 0), Task("b", None, 0)])
        clock.time = 2
        watcher.show(run(), [Task("a", "running", 1), Task("b", None, 0)])
        watcher.show(run(), [Task("a", "running", 1), Task("b", None, 0)])
        clock.time = 63
        watcher.show(run(), [Task("a", "success", 1, duration=61.2), Task("b", "up_for_retry", 1)])
        watcher.report("Airflow does not answer")
        clock.time = 3700
        watcher.show(run("failed"), [Task("a", "success", 1, duration=61.2), Task("b", "failed", 2, duration=1.0)])

    assert [
        "[0:00] run r: queued",
        "[0:02] run r: running",
        "[0:02] a: running",
        "[1:03] a: success after 1:01",
        "[1:03] b: up_for_retry",
        "Airflow does not answer",
        "[1:01:40] run r: failed",
        "[1:01:40] b: failed (try 2) after 0:01",
    ] == progress.file.getvalue().splitlines()


def test_why_a_task_waits_is_a_line(clock):
    """Once for each reason."""
    progress = plain()
    with Watcher(progress, plain(), clock) as watcher:
        watcher.show(run(), [Task("a", "running", 1)])
        clock.time = 5
        watcher.show(run(), [Task("a", "running", 1, note="ErrImagePull: no such image")])
        watcher.show(run(), [Task("a", "running", 1, note="ErrImagePull: no such image")])
        clock.time = 20
        watcher.show(run(), [Task("a", "awaiting_input", 1, note="somebody must answer in Airflow: http://x")])

    assert [
        "[0:00] run r: running",
        "[0:00] a: running",
        "[0:05] a waits: ErrImagePull: no such image",
        "[0:20] a: awaiting_input",
        "[0:20] a waits: somebody must answer in Airflow: http://x",
    ] == progress.file.getvalue().splitlines()


def test_why_tasks_wait_is_above_the_table_that_changes(clock):
    """At most five lines, so that the table keeps its place."""
    tasks = [Task(f"a{number}", "running", 1, note=f"reason {number}") for number in range(9)]
    progress = terminal(height=30)
    with Watcher(progress, plain(), clock) as watcher:
        watcher.show(run(), tasks)
        live = text(progress)

    assert [f"a{number} waits: reason {number}" for number in range(5)] == [
        line.strip() for line in live.splitlines() if "waits" in line
    ]


def test_the_whole_table_is_the_result(clock):
    """On the other console, with every task."""
    result = plain()
    with Watcher(plain(), result, clock) as watcher:
        clock.time = 75
        watcher.show(
            run("failed"), [Task("a", "failed", 2, duration=61.2), Task("b", "upstream_failed", 0, duration=-3.0)]
        )

    assert [
        "Task  State            Try  Duration",
        "a     failed             2      1:01",
        "b     upstream_failed",
        "Run r: failed after 1:15",
    ] == [line.rstrip() for line in result.file.getvalue().splitlines()]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_table_is_printed_however_the_wait_ends(clock, error):
    """Also when interrupted."""
    result = plain()

    def watch():
        with Watcher(plain(), result, clock) as watcher:
            watcher.show(run(), [Task("a", "running", 1)])
            raise error

    with pytest.raises(error):
        watch()

    assert "a     running" in result.file.getvalue()


def test_a_run_that_was_never_seen_has_no_table(clock):
    """Nothing to say is nothing printed."""
    result = plain()
    with Watcher(plain(), result, clock):
        pass

    assert "" == result.file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_a_long_task_id_is_folded_not_lost(clock, width):
    """In the table of a narrow terminal it takes several lines; in a line of its own it is whole."""
    name = "task-" + "x" * 150
    result, progress = Console(file=io.StringIO(), width=width), plain()
    with Watcher(progress, result, clock) as watcher:
        watcher.show(run("success"), [Task(name, "success", 1, duration=2.0)])

    lines = result.file.getvalue().splitlines()[1:-1]
    assert all(len(line) <= width for line in lines)
    assert name == "".join(line.split()[0] for line in lines)
    assert name in progress.file.getvalue()


def test_a_terminal_shows_a_table_that_changes(clock):
    """State, try and the time a task has run so far; gone before the result is printed."""
    progress = terminal()
    with Watcher(progress, plain(), clock) as watcher:
        watcher.show(run(), [Task("a", "running", 1)])
        clock.time = 65
        watcher.show(run(), [Task("a", "running", 1), Task("b", "queued", 1)])
        watcher.report("something")

    shown = text(progress)
    assert "Run r: running for 1:05" in shown
    assert re.search(r"a +running +1 +1:05", shown)
    assert re.search(r"b +queued +1", shown)
    assert "something" in shown
    assert "\x1b[2K" in progress.file.getvalue()


def test_more_tasks_than_lines(clock):
    """What goes on now is shown; the others are counted."""
    tasks = [Task(f"done-{number}", "success", 1, duration=1.0) for number in range(50)]
    tasks += [Task("now", "running", 1), *(Task(f"later-{number}", None, 0) for number in range(30))]
    progress, result = terminal(height=20), plain()
    with Watcher(progress, result, clock) as watcher:
        watcher.show(run(), tasks)
        live = text(progress)

    assert "now " in live
    assert "done-49" in live
    assert "done-0 " not in live
    assert "and 37 success, 30 waiting" in live
    assert all(task.name in result.file.getvalue() for task in tasks)


def test_a_second_try_starts_its_own_time(clock):
    """The time shown is that of the try."""
    progress = plain()
    with Watcher(progress, plain(), clock) as watcher:
        watcher.show(run(), [Task("a", "running", 1)])
        clock.time = 100
        watcher.show(run(), [Task("a", "running", 2)])
        clock.time = 103

        assert ["0:03"] == watcher._durations()


def test_brackets_are_not_markup(clock):
    """A mapped task's name, or a message, is shown as it is."""
    progress, result = plain(), plain()
    with Watcher(progress, result, clock) as watcher:
        watcher.report("[bold]x[/bold]")
        watcher.show(run("success"), [Task("a", "success", 1, map_index=3)])

    assert "[bold]x[/bold]" in progress.file.getvalue()
    assert "a[3]" in result.file.getvalue()


@pytest.mark.parametrize(("seconds", "expected"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")])
def test_spans(seconds, expected):
    """As a clock shows them."""
    assert expected == span(seconds)
