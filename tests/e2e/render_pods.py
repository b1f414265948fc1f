"""Run by an Airflow's Python: print what each DAG file of a folder asks Kubernetes for, rendered by that Airflow."""

import json
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace


def main() -> None:
    """Print a line of JSON for each file: the pods and claims by task, the edges, the description."""
    from airflow import DAG
    from kubernetes.client import ApiClient

    api = ApiClient()
    for file in sorted(Path(sys.argv[1]).glob("*.py")):
        scope: dict[str, object] = {"__name__": file.stem}
        source = file.read_text(encoding="utf-8")
        code = compile(source, str(file), "exec")
        scope["__doc__"] = code.co_consts[0]
        # The call on the last line makes the DAG; here its result is wanted.
        exec(compile(source.rsplit("\n\n\n", 1)[0], str(file), "exec"), scope)
        dag = eval(source.rsplit("\n\n\n", 1)[1], scope)
        assert type(dag).__name__ == DAG.__name__
        variables = SimpleNamespace(get=lambda name, default: f"value of {name}")
        context = {
            "dag": dag,
            "run_id": "manual__2026-01-01T00:00:00+00:00",
            "macros": SimpleNamespace(uuid=uuid),
            "ti": SimpleNamespace(xcom_pull=lambda task_ids: f"result of {task_ids}"),
            "var": {"value": variables},
            "ds": "2026-01-01",
            "logical_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
            "dag_run": SimpleNamespace(run_type="manual"),
        }
        pods, claims = {}, {}
        for task in dag.tasks:
            task = task.prepare_for_execution()
            task.render_template_fields(context, dag.get_template_env())
            if hasattr(task, "build_pod_request_obj"):
                task.hook = SimpleNamespace(is_in_cluster=False)
                pods[task.task_id] = api.sanitize_for_serialization(task.build_pod_request_obj())
            elif hasattr(task, "claim"):
                claims[task.task_id] = task.claim
        edges = {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}
        found = {"pods": pods, "claims": claims, "edges": edges, "description": dag.description, "doc": dag.doc_md}
        print("RENDERED " + json.dumps({"file": file.stem, **found}))


main()
