"""What can be wrong with a field: the causes that a refused object lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json


def required(field: str, why: str = "") -> Json:
    """Return the cause for a field that must have a value."""
    message = f"Required value: {why}" if why else "Required value"
    return {"reason": "FieldValueRequired", "message": message, "field": field}


def wrong(field: str, value: Any, rule: str) -> Json:
    """Return the cause for a value that breaks a rule."""
    return {"reason": "FieldValueInvalid", "message": f"Invalid value: {value!r}: {rule}", "field": field}


def unknown(field: str, value: str, known: tuple[str, ...]) -> Json:
    """Return the cause for a value that is none of those known."""
    return unsupported(field, f"Unsupported value: {value!r}: supported values: {', '.join(known)}")


def unsupported(field: str, message: str) -> Json:
    """Return the cause for what cannot be done."""
    return {"reason": "FieldValueNotSupported", "message": message, "field": field}


def forbidden(field: str, message: str) -> Json:
    """Return the cause for what must not be changed."""
    return {"reason": "FieldValueForbidden", "message": f"Forbidden: {message}", "field": field}


def unique(values: Iterable[str], field: str) -> Iterator[Json]:
    """Yield a cause for each value that occurs twice."""
    for value, times in Counter(values).items():
        if times > 1 and value:
            yield {"reason": "FieldValueDuplicate", "message": f"Duplicate value: {value!r}", "field": field}
