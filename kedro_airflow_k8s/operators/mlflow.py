"""The operators that begin and end the MLflow run of a DAG run, over MLflow's REST API."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from kedro_airflow_k8s.contract import START_MLFLOW_TASK
from kedro_airflow_k8s.operators._airflow import BaseOperator
from kedro_airflow_k8s.operators.authentication import MLflowUnavailable

RUN_TAG = "kedro-airflow-k8s.dag-run"
MLFLOW_PATIENCE = 300  # seconds for which an MLflow that does not answer is asked again


class MLflowServer:
    """The MLflow server at `tracking_uri`; `auth_handler`, if there is one, knows how to log in.

    MLflow's own variables MLFLOW_TRACKING_INSECURE_TLS, MLFLOW_TRACKING_SERVER_CERT_PATH and
    MLFLOW_TRACKING_CLIENT_CERT_PATH of the worker are honoured.
    """

    def __init__(self, *, tracking_uri: str, auth_handler: Any = None) -> None:
        self.tracking_uri = tracking_uri
        self.auth_handler = auth_handler

    def patiently(self, act: Callable[[], Any], log: Any) -> Any:
        """Return what `act` does, and begin with it anew as long as MLflow is not available, which it must allow."""
        deadline, pause = time.monotonic() + MLFLOW_PATIENCE, 1.0
        while True:
            try:
                return act()
            except MLflowUnavailable as error:
                if time.monotonic() + pause > deadline:
                    raise
                log.warning("%s; trying again in %.0f s", error, pause)
            time.sleep(pause)
            pause = min(15.0, pause * 2)

    def log_in(self, context: Any) -> Callable[..., dict[str, Any] | None]:
        """Return how to ask MLflow as who one then is: a function of method, path and content."""
        return partial(self._ask, self.auth_handler.authorization(context) if self.auth_handler else None)

    def _ask(self, auth: Any, method: str, path: str, **content: Any) -> dict[str, Any] | None:
        """Return what MLflow answers, None if it says that there is no such thing, or already is."""
        import requests

        where = f"MLflow at {self.tracking_uri}"
        secure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").strip().lower() not in {"true", "1"}
        try:
            response = requests.request(
                method,
                f"{self.tracking_uri}/api/2.0/mlflow/{path}",
                params=content if method == "GET" else None,
                json=None if method == "GET" else content,
                auth=auth,
                timeout=(5, 30),
                verify=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or secure,
                cert=os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH") or None,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            # A server that goes down breaks off; one that refuses says so.
            kind = MLflowUnavailable if "EOF occurred" in str(error) else RuntimeError
            raise kind(
                f"The TLS connection to {where} fails; MLFLOW_TRACKING_SERVER_CERT_PATH can name the CA bundle to"
                f" trust, MLFLOW_TRACKING_CLIENT_CERT_PATH the certificate to show: {error}"
            ) from None
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise MLflowUnavailable(f"{where} does not answer: {error}") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        found = answer if isinstance(answer, dict) else {}
        said = found.get("message") or " ".join(response.text.split())[:200]
        code, status = found.get("error_code"), response.status_code
        if status in {429, 500, 502, 503, 504}:
            raise MLflowUnavailable(f"{where} answers {status}: {said}")
        if response.ok and isinstance(answer, dict):
            return answer
        if code in {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}:
            return None
        if status in {401, 403}:
            raise RuntimeError(
                f"{where} refuses ({status}): {said}; check run_config.authentication in airflow-k8s.yaml, and what it"
                " names"
            )
        if code is None:
            elsewhere = response.headers.get("Location", "").partition("?")[0]
            raise RuntimeError(
                f"What answers at {self.tracking_uri} is not MLflow ({status}):"
                f" {f'it leads to {elsewhere}' if elsewhere else said}; is the address right, or does a login page"
                " stand before it?"
            )
        raise RuntimeError(f"{where} refuses ({status}, {code}): {said}")


class StartMLflowExperimentOperator(BaseOperator):
    """Start the MLflow run of this DAG run, or find the one that an earlier try has started; return its id.

    `experiment` is made if there is none, as the server would or as `experiment_options` say. MLflow shows the run by
    the id of the DAG run unless `run_name` is given.
    """

    def __init__(
        self,
        *,
        mlflow: MLflowServer,
        experiment: str,
        image: str,
        commit: str | None = None,
        experiment_options: dict[str, Any] | None = None,
        run_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mlflow = mlflow
        self.experiment = experiment
        self.image = image
        self.commit = commit
        self.experiment_options = experiment_options or {}
        self.run_name = run_name

    def execute(self, context: Any) -> str:
        # As a whole: if an answer is lost, what was made is found in the next round.
        run_id: str = self.mlflow.patiently(lambda: self._start(context), self.log)
        self.log.info("MLflow run %s of experiment %s at %s", run_id, self.experiment, self.mlflow.tracking_uri)
        return run_id

    def _start(self, context: Any) -> str:
        ask = self.mlflow.log_in(context)
        experiment_id = self._experiment(ask)
        run = self._find(ask, context, experiment_id) or self._create(ask, context, experiment_id)
        run_id: str = run["info"]["run_id"]
        # Already now: whatever goes wrong from here on, there is a run to finish.
        context["ti"].xcom_push(key="return_value", value=run_id)
        if run["info"]["status"] != "RUNNING":
            ask("POST", "runs/update", run_id=run_id, status="RUNNING")
        logged = {entry["key"] for entry in run["data"].get("params", ())}
        params = [{"key": key, "value": value} for key, value in self._params(context).items() if key not in logged]
        ask("POST", "runs/log-batch", run_id=run_id, params=params)
        return run_id

    def _experiment(self, ask: Callable[..., Any]) -> str:
        # If it appears between the first two, another DAG run has made it.
        found = ask("GET", "experiments/get-by-name", experiment_name=self.experiment)
        if found is None:
            tags = [{"key": key, "value": str(value)} for key, value in self.experiment_options.get("tags", {}).items()]
            ask("POST", "experiments/create", name=self.experiment, **{**self.experiment_options, "tags": tags})
            found = ask("GET", "experiments/get-by-name", experiment_name=self.experiment)
        if found is None:
            raise RuntimeError(f"The MLflow experiment {self.experiment!r} was made, and is gone again")
        experiment_id = str(found["experiment"]["experiment_id"])
        if found["experiment"]["lifecycle_stage"] == "deleted":
            raise RuntimeError(
                f"The MLflow experiment {self.experiment!r} is deleted: restore it (mlflow experiments restore"
                f" --experiment-id {experiment_id}), or name another one (tracking.experiment.name in mlflow.yml)"
            )
        return experiment_id

    def _find(self, ask: Callable[..., Any], context: Any, experiment_id: str) -> Any:
        condition = f"tags.`{RUN_TAG}` = '{_dag_run(context)}'"
        found = ask("POST", "runs/search", experiment_ids=[experiment_id], filter=condition, max_results=1)
        return next(iter((found or {}).get("runs", ())), None)

    def _create(self, ask: Callable[..., Any], context: Any, experiment_id: str) -> Any:
        page = _run_page(context)
        tags = {
            RUN_TAG: _dag_run(context),
            "mlflow.source.name": context["dag_run"].dag_id,
            "mlflow.source.type": "JOB",
            "mlflow.note.content": page and f"[Run {context['run_id']} in Airflow]({page})",
            "airflow.run-page": page,
            "mlflow.source.git.commit": self.commit,
        }
        created = ask(
            "POST",
            "runs/create",
            experiment_id=experiment_id,
            start_time=int(time.time() * 1000),
            run_name=self.run_name or context["run_id"],
            tags=[{"key": key, "value": value} for key, value in tags.items() if value],
        )
        if created is None:
            raise RuntimeError(f"The MLflow experiment {self.experiment!r} was deleted just now")
        return created["run"]

    def _params(self, context: Any) -> dict[str, str]:
        dag_run = context["dag_run"]
        date = getattr(dag_run, "logical_date", None)
        params = {"image": self.image, "dag_id": dag_run.dag_id, "run_id": context["run_id"]}
        return {**params, **({"execution_date": date.isoformat()} if date else {})}


class FinishMLflowRunOperator(BaseOperator):
    """Set the MLflow run to what became of the nodes: each of their pods has set it to its own end before."""

    def __init__(self, *, mlflow: MLflowServer, run_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlflow = mlflow
        self.run_name = run_name

    def execute(self, context: Any) -> None:
        run_id = context["ti"].xcom_pull(task_ids=START_MLFLOW_TASK)
        if run_id is None:
            self.log.info("start_mlflow_run handed over no MLflow run")
            return
        states = {task_id: str(state) for task_id, state in _task_states(context).items()}
        failed = sorted(task for task in self.upstream_task_ids if states.get(task) in {"failed", "upstream_failed"})
        status = "FAILED" if failed else "FINISHED"
        changes = {
            "status": status,
            "end_time": int(time.time() * 1000),
            # Pods have renamed it to their pipeline.
            "run_name": self.run_name or context["run_id"],
        }

        def finish() -> Any:
            return self.mlflow.log_in(context)("POST", "runs/update", run_id=run_id, **changes)

        if self.mlflow.patiently(finish, self.log) is None:
            raise RuntimeError(f"MLflow at {self.mlflow.tracking_uri} no longer has the run {run_id}")
        self.log.info("MLflow run %s: %s%s", run_id, status, f", because of {', '.join(failed)}" if failed else "")


def _dag_run(context: Any) -> str:
    return f"{context['dag_run'].dag_id}/{context['run_id']}"


def _run_page(context: Any) -> str | None:
    """Return the address of the DAG run's page, if Airflow knows its own address."""
    from urllib.parse import quote

    from airflow.configuration import conf

    dag_id, run_id = (quote(text, safe="") for text in (context["dag_run"].dag_id, context["run_id"]))
    base = conf.get("api", "base_url", fallback=None)
    if base:  # Airflow 3
        return f"{base.rstrip('/')}/dags/{dag_id}/runs/{run_id}"
    base = conf.get("webserver", "base_url", fallback=None)
    return f"{base.rstrip('/')}/dags/{dag_id}/grid?dag_run_id={run_id}" if base else None


def _task_states(context: Any) -> dict[str, Any]:
    """Return the state of each task of this run."""
    dag_run, ti = context["dag_run"], context["ti"]
    if hasattr(ti, "get_task_states"):  # Airflow 3
        return dict(ti.get_task_states(dag_id=dag_run.dag_id, run_ids=[context["run_id"]])[context["run_id"]])
    return {each.task_id: each.state for each in dag_run.get_task_instances()}
