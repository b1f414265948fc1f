"""The sensor that waits for another DAG."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.operators._airflow import ExternalTaskSensor


class ExternalDagSensor(ExternalTaskSensor):
    """Wait for another DAG, or a task of it, of the same logical date; fail at once where that can never be."""

    def execute(self, context: Any) -> Any:
        if context.get("logical_date") is None:
            raise RuntimeError(
                f"This run has no logical date, by which to find a run of {self.external_dag_id}; trigger it with one."
            )
        # Airflow 2 looks for the DAG in the base class. Airflow 3 does not, and lets tasks ask only since 3.2.
        find = getattr(context["ti"], "get_dag", None)
        if find and self.check_existence:
            try:
                find(self.external_dag_id)
            except Exception as error:
                detail = getattr(getattr(error, "error", None), "detail", None) or {}
                if detail.get("status_code") != 404:
                    raise
                raise RuntimeError(
                    f"The external DAG {self.external_dag_id} does not exist; see run_config.external_dependencies."
                ) from None
        return super().execute(context)
