"""The kinds of values in `airflow-k8s.yaml`, each checked and brought into one form."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

CRON_PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")


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


def _text(value: Any) -> Any:
    """Write YAML's own scalars as text, as Kubernetes wants labels, annotations and quantities."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _date(value: Any) -> Any:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    if isinstance(value, datetime):
        return value.date()
    text = str(value)
    with suppress(ValueError):
        if re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", text):
            return datetime.strptime(text.replace("-", ""), "%Y%m%d").date()
    raise ValueError(f"should be a date written YYYYMMDD, got {value!r}")


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


def _cron(value: str) -> str:
    if value in CRON_PRESETS:
        return value
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    try:
        croniter(value, datetime(2024, 1, 1)).get_next()
    except CroniterBadDateError:
        raise ValueError(f"never happens: {value!r}") from None
    except (ValueError, KeyError, AttributeError) as error:
        presets = ", ".join(CRON_PRESETS)
        raise ValueError(
            f"should be a cron expression, one of {presets}, or null, got {value!r} ({error or type(error).__name__})"
        ) from None
    return value


def _absolute(value: PurePosixPath) -> PurePosixPath:
    if not value.is_absolute():
        raise ValueError(f"should be an absolute path in the image, got '{value}'")
    return value


def _address(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError(f"should be an address that begins with http:// or https://, got {value!r}")
    return value.rstrip("/")


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_.-][\w.-]*", value, re.ASCII):
        raise ValueError(f"should be a name of letters, digits, '_', '-' and '.', got {value!r}")
    return value


def _macro(value: str) -> str:
    if value not in MACROS:
        near = difflib.get_close_matches(value, MACROS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(MACROS)}"
        raise ValueError(f"{value!r} is no macro that is a text; {hint}")
    return value


def _different(value: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = sorted({entry for entry in value if value.count(entry) > 1})
    if twice:
        raise ValueError(f"named more than once: {', '.join(twice)}")
    return value


def _filled(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("should not be empty")
    return value


Text = Annotated[str, Field(min_length=1), BeforeValidator(_text)]
"""Text that is not empty; numbers and booleans count as the text they were written with."""
AnyText = Annotated[str, BeforeValidator(_text)]
"""Text that may be empty."""
TextMap = dict[Text, AnyText]
Date = Annotated[date | None, BeforeValidator(_date)]
Names = Annotated[tuple[Text, ...] | None, BeforeValidator(_names)]
"""A list of names, or text with commas between them."""
Cron = Annotated[Text, AfterValidator(_cron)]
Address = Annotated[Text, AfterValidator(_address)]
ImagePath = Annotated[PurePosixPath, AfterValidator(_absolute)]
VariableName = Annotated[Text, AfterValidator(_variable)]
Variables = Annotated[tuple[VariableName, ...], AfterValidator(_different)]
Macros = Annotated[tuple[Annotated[Text, AfterValidator(_macro)], ...], AfterValidator(_different)]
AccessModes = Annotated[
    tuple[Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"], ...], AfterValidator(_filled)
]
