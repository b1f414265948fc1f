"""When a DAG runs: its schedule and its start date."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from kedro_airflow_k8s.config.values import Text, shown

CRON_PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")

_BEYOND_CRONITER = {"@once": None, "@continuous": None, "@quarterly": "0 0 1 */3 *"}

_LAST_YEAR = 2999
_LONGEST_REASON = 100
_RANDOM = re.compile(r"(?:^|[\s,])r(?:[\s,(/]|$)", re.IGNORECASE)


def _date(value: Any) -> Any:
    if value is None:
        return value
    found = value.date() if isinstance(value, datetime) else value
    if not isinstance(found, date) and re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", str(value), re.ASCII):
        with suppress(ValueError):
            found = datetime.strptime(str(value).replace("-", ""), "%Y%m%d").date()
    if not isinstance(found, date):
        raise ValueError(f"should be a date written YYYYMMDD, got {shown(value)}")
    if found.year > _LAST_YEAR:
        raise ValueError(f"should be a date before the year {_LAST_YEAR + 1}, got {shown(value)}")
    return found


def _cron(value: str) -> str:
    if value in CRON_PRESETS:
        return value
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    if _RANDOM.search(value):
        raise ValueError(
            f"should be a cron expression without R, which is another time at each look, got {shown(value)}"
        )
    try:
        croniter(value, datetime(2024, 1, 1)).get_next()
        croniter(value, datetime(2024, 1, 1)).get_prev()
    except CroniterBadDateError:
        raise ValueError(f"never happens, or only once: {shown(value)}") from None
    except (ValueError, KeyError, AttributeError) as error:
        presets = ", ".join(CRON_PRESETS)
        reason = f" ({error})" if 0 < len(str(error)) <= _LONGEST_REASON else ""
        raise ValueError(
            f"should be a cron expression, one of {presets}, or null, got {shown(value)}{reason}"
        ) from None
    return value


def as_cron(schedule: str | None) -> str | None:
    """Return the schedule as croniter reads it; None for none, `@once` and `@continuous`, which name no times."""
    return _BEYOND_CRONITER.get(schedule, schedule) if schedule else None


Date = Annotated[
    date | None,
    BeforeValidator(_date),
    WithJsonSchema({"type": ["string", "integer", "null"], "pattern": r"^\d{4}-?\d{2}-?\d{2}$"}),
]
Cron = Annotated[Text, AfterValidator(_cron)]
