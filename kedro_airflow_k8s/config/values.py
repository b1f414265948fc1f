"""The kinds of values in `airflow-k8s.yaml`, each checked and brought into one form."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

CRON_PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")


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
    if re.fullmatch(r"\d{8}", text):
        try:
            return datetime.strptime(text, "%Y%m%d").date()
        except ValueError:
            pass
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
AccessModes = Annotated[
    tuple[Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"], ...], AfterValidator(_filled)
]
