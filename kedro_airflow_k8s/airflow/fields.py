"""The fields of Airflow's answers, each checked: what has another type than it should have is absent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

Json = Mapping[str, Any]
UNKNOWN = "unknown"


def text(body: Json, key: str) -> str:
    """Return a text, empty if there is none; half a surrogate pair, which cannot be encoded, is replaced."""
    value = body.get(key)
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else ""


def state(body: Json) -> str | None:
    """Return the state of a run or a task; None if Airflow gives none."""
    return None if body["state"] is None else text(body, "state") or UNKNOWN


def number(body: Json, key: str) -> float | None:
    """Return a finite number, also one that is written as text."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(body: Json, key: str, default: int) -> int:
    """Return a whole number."""
    found = number(body, key)
    return default if found is None else int(found)


def moment(body: Json, key: str) -> datetime | None:
    """Return a time, in UTC."""
    # Python 3.10 reads neither a Z nor a fraction of other than three or six digits.
    value = re.sub(r"\.\d+", "", text(body, key).replace("Z", "+00:00"))
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def records(body: Json, key: str) -> list[Json]:
    """Return a list of mappings, without whatever else is in it."""
    value = body.get(key)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
