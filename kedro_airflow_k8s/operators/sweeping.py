"""What earlier runs of the same DAG left behind: the volumes that their own last task did not remove."""

from __future__ import annotations

from functools import partial
from typing import Any

from kedro_airflow_k8s.contract import DAG_ANNOTATION, DAG_LABEL, KEEP_ANNOTATION, RUN_ANNOTATION, RUN_LABEL
from kedro_airflow_k8s.operators.leftovers import Volumes
from kedro_airflow_k8s.operators.refusal import refusal


def sweep(volumes: Volumes, claim: dict[str, Any], ti: Any) -> None:
    """Remove the claims of earlier runs of the DAG that are over, or that Airflow no longer knows, and their pods.

    One that `keep_on_failure` keeps stays until its run has succeeded, and one of an unknown run while a pod of that
    runs. Whatever goes wrong here is only said: the run
    that comes first does not depend on it.
    """
    from kubernetes.client import ApiException

    own, selector = claim["metadata"], f"{DAG_LABEL}={claim['metadata']['labels'][DAG_LABEL]}"
    try:
        listed = volumes.ask("list_namespaced_persistent_volume_claim", volumes.namespace, label_selector=selector)
        for found in (each.metadata for each in (listed.items if listed else ())):
            of = found.annotations or {}
            dag_id, run_id = of.get(DAG_ANNOTATION), of.get(RUN_ANNOTATION)
            if dag_id != own["annotations"][DAG_ANNOTATION] or run_id in (None, own["annotations"][RUN_ANNOTATION]):
                continue
            state = run_state(ti, dag_id, run_id)
            over = state == "success" or (state in ("failed", "unknown") and KEEP_ANNOTATION not in of)
            # A run that this Airflow does not know may be another one's, and go on.
            if over and not (state == "unknown" and volumes.is_used(found.labels[RUN_LABEL])):
                volumes.log.info("Removing the claim %s, which the run %s left behind", found.name, run_id)
                volumes.end_pods(found.labels[RUN_LABEL])
                volumes.delete(found)
    except ApiException as error:
        volumes.log.warning("What earlier runs left in %s stays: %s", volumes.namespace, refusal(error))
    except Exception as error:
        volumes.log.warning("What earlier runs left in %s stays: %s", volumes.namespace, error)


def run_state(ti: Any, dag_id: str, run_id: str) -> str:
    """Return "success" or "failed" for a run that is over, "active" for one that is not, "unknown" if there is none."""
    if hasattr(ti, "get_dr_count"):  # Airflow 3, where a task has no access to the database
        count = partial(ti.get_dr_count, dag_id=dag_id, run_ids=[run_id])
        for state in ("success", "failed"):
            if count(states=[state]):
                return state
        return "active" if count() else "unknown"
    from airflow.models import DagRun

    states = [str(run.state) for run in DagRun.find(dag_id=dag_id, run_id=run_id)]
    if not states:
        return "unknown"
    return states[0] if states[0] in ("success", "failed") else "active"
