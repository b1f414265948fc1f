"""The sensor that waits for another DAG."""

from __future__ import annotations

from typing import Any

from kedro_airflow_k8s.operators._airflow import ExternalTaskSensor


class ExternalDagSensor(ExternalTaskSensor):
    """Wait for another DAG, or a task of it; where Airflow 3 can tell, fail at once if there is no such DAG."""

    def execute(self, context: Any) -> Any:
        # Airflow 2 checks it in the base class. Airflow 3 does not, and lets tasks ask only since 3.2.
        find = getattr(context["ti"], "get_dag", None)
        if find and self.check_existence:
            try:
                find(self.external_dag_id)
            except Exception as error:
                detail = getattr(getattr(error, "error", None), "detail", None) or {}
                if detail.get("status_code") != 404:
                    raise
                raise RuntimeError(f"The external DAG {self.external_dag_id} does not exist.") from None
        return super().execute(context)
