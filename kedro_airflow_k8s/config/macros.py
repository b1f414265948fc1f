"""Airflow's macros that can be handed to Kedro."""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from kedro_airflow_k8s.config.values import Text, different, shown

DATED_MACROS = (
    "ds",
    "ds_nodash",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
)
"""Macros of Airflow 2 and 3 that a run has only with a logical date."""
DROPPED_MACROS = (
    "execution_date",
    "next_ds",
    "next_ds_nodash",
    "next_execution_date",
    "prev_ds",
    "prev_ds_nodash",
    "prev_execution_date",
    "tomorrow_ds",
    "tomorrow_ds_nodash",
    "yesterday_ds",
    "yesterday_ds_nodash",
)
"""Macros of Airflow 2 that Airflow 3 has no more; the generated DAG computes them."""
MACROS = (*DATED_MACROS, *DROPPED_MACROS, "run_id")


def _macro(value: str) -> str:
    if value not in MACROS:
        near = difflib.get_close_matches(value, MACROS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(MACROS)}"
        raise ValueError(f"{shown(value)} is no macro that is a text; {hint}")
    return value


Macros = Annotated[
    tuple[Annotated[Text, AfterValidator(_macro), WithJsonSchema({"enum": list(MACROS)})], ...],
    AfterValidator(different),
]
