"""Connecting to an Airflow: which version of the API it has, and who the user is to it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from kedro_airflow_k8s.airflow.access import Login, credentials, verification
from kedro_airflow_k8s.airflow.client import AirflowClient
from kedro_airflow_k8s.airflow.http import CLOCK, Clock, Transport
from kedro_airflow_k8s.airflow.versions import discover
from kedro_airflow_k8s.model import Report


def connect(
    host: str,
    environ: Mapping[str, str],
    *,
    report: Report = lambda text: None,
    clock: Clock = CLOCK,
) -> AirflowClient:
    """Find out what Airflow there is at `host`, and log in as `environ` says.

    `report` is told what the user should know meanwhile. Raises `AirflowUnreachable` or `AirflowDenied`.
    """
    user = credentials(environ)
    verify = verification(environ, report)
    # Tracebacks that show the variables of each frame shall not show the user's whole environment.
    del environ
    transport = Transport(host, Login(user.authorization), verify=verify, report=report, clock=clock)
    api, address = discover(transport)
    anonymous = transport.at(address, Login(user.anonymous))
    return AirflowClient(anonymous.at(address, api.login(anonymous, user)), api, user)


def page(host: str, dag_id: str | None = None) -> str:
    """Return the address of Airflow's start page or of a DAG's, without asking Airflow; each version understands it."""
    return host.rstrip("/") + ("" if dag_id is None else f"/dags/{quote(dag_id, safe='')}")
