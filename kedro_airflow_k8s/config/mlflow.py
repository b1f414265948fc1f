"""What the configuration says of MLflow; the text below each key is its line in the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import Address, different, shown

_TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105 - the name of one
_PAIR = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def _sufficient(value: tuple[str, ...]) -> tuple[str, ...]:
    if {*value} not in ({_TOKEN}, {*_PAIR}):
        raise ValueError(f"should be [{_TOKEN}] or [{', '.join(_PAIR)}], got {shown(list(value))}")
    return value


def _typed(value: Any) -> Any:
    # For YAML the word Null is no word, and a section of which all is commented out has no type.
    untyped = isinstance(value, Mapping) and value.get("type", "" if value else None) is None
    return {**value, "type": "Null"} if untyped else value


VariableNames = Annotated[
    tuple[Literal["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"], ...],
    AfterValidator(_sufficient),
    AfterValidator(different),
]


class MLflow(Section):
    """Whether and where MLflow tracks the pipeline: one MLflow run for each run of the DAG."""

    enabled: bool | None = None
    """Whether there is an MLflow run for each run of the DAG; if not said, there is one where kedro-mlflow is installed
    and set to a server."""
    tracking_uri: Address | None = None
    """Address of the MLflow server as seen from inside the cluster; if there is none, that of `mlflow.yml`."""


class NullAuthentication(Section):
    """The MLflow server asks nobody who they are."""

    type: Annotated[Literal["Null"], WithJsonSchema({"enum": ["Null", None]})] = "Null"
    """How Airflow logs in to MLflow: not at all, with an id token of Google's, or with Airflow's Variables."""


class GoogleOAuth2Authentication(Section):
    """The MLflow server is behind Google's login, and takes an id token."""

    type: Literal["GoogleOAuth2"]
    """How Airflow logs in to MLflow."""


class VarsAuthentication(Section):
    """What MLflow wants to know is in Variables or Connections of Airflow."""

    type: Literal["Vars"]
    """How Airflow logs in to MLflow."""
    params: VariableNames
    """With `Vars`: names of the Variables or Connections, `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and
    `MLFLOW_TRACKING_PASSWORD`."""


Authentication = Annotated[
    NullAuthentication | GoogleOAuth2Authentication | VarsAuthentication,
    Field(discriminator="type"),
    BeforeValidator(_typed),
]
