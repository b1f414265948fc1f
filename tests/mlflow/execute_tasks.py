"""Run by an Airflow's Python: execute tasks of DAG files, each line of standard input says which at once."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace


def load(file: Path, haste: float):
    """Return the DAG that a file makes by the call on its last line; its clock runs `haste` times as fast."""
    source = file.read_text(encoding="utf-8")
    scope: dict[str, object] = {"__name__": file.stem, "__doc__": ""}
    exec(compile(source.rsplit("\n\n\n", 1)[0], str(file), "exec"), scope)
    scope["time"] = SimpleNamespace(
        time=time.time,
        monotonic=lambda: time.monotonic() * haste,
        sleep=lambda seconds: time.sleep(seconds / haste),
    )
    return eval(source.rsplit("\n\n\n", 1)[1], scope)


def execute(dag, step: dict) -> dict:
    """Return what a task returned, or why it failed."""
    pushed: list[str] = []
    tasks = [SimpleNamespace(task_id=name, state=state) for name, state in step.get("states", {}).items()]
    date = datetime(2026, 1, 1, tzinfo=timezone.utc) if step.get("dated", True) else None
    context = {
        "run_id": step["run_id"],
        "dag_run": SimpleNamespace(dag_id=dag.dag_id, logical_date=date, get_task_instances=lambda: tasks),
        "ti": SimpleNamespace(
            xcom_pull=lambda task_ids: step.get("xcom"), xcom_push=lambda key, value: pushed.append(value)
        ),
        "conn": SimpleNamespace(get=lambda name, default: default),
        "var": {"value": step.get("variables", {})},
    }
    try:
        return {"result": dag.get_task(step["task"]).execute(context)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "pushed": pushed}


def prepare() -> None:
    """Give a thread what Airflow 2 gives only the first one, to see who executes a task."""
    try:
        from airflow.models.baseoperator import ExecutorSafeguard
    except ImportError:
        return
    if hasattr(ExecutorSafeguard, "_sentinel"):
        ExecutorSafeguard._sentinel.callers = {}


def main() -> None:
    """Print for each line what became of its tasks; it may set variables, and add a folder to look for modules in."""
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        sys.path += asked["path"]
        dag = load(Path(asked["file"]), asked["haste"])
        with ThreadPoolExecutor(len(asked["steps"]), initializer=prepare) as pool:
            done = list(pool.map(lambda step, dag=dag: execute(dag, step), asked["steps"]))
        print("DONE " + json.dumps(done), flush=True)


main()
