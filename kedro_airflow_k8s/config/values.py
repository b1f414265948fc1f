"""The kinds of values in `airflow-k8s.yaml`, each checked and brought into one form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from kedro_airflow_k8s.addresses import public

_SHOWN = 100
_MAX_SECONDS = 2**31 - 1
_MAX_MINUTES = _MAX_SECONDS // 60
_MAX_GROUP = 2**31 - 1

Listed = TypeVar("Listed", tuple[str, ...], "tuple[str, ...] | None")


def shown(value: Any) -> str:
    """Return a value as a message quotes it: null in YAML's word, a long one cut, and without secrets."""
    text = "null" if value is None else public(repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


class Wrong(ValueError):
    """What is wrong with single entries of a section, by their keys."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Matching:
    """Says of a type of text that it matches a pattern as a whole and has at most so many characters."""

    pattern: str
    most: int
    rule: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = {**handler(schema), "maxLength": self.most}
        # For a JSON schema \w is a letter of ASCII only.
        return described if r"\w" in self.pattern else {**described, "pattern": f"^(?:{self.pattern})$"}

    def check(self, value: str) -> str:
        """Return the value. Raises `ValueError` if it is another."""
        if len(value) > self.most:
            raise ValueError(f"should be at most {self.most} characters, got {shown(value)}")
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"should be {self.rule}, got {shown(value)}")
        return value


def _text(value: Any) -> Any:
    """Write YAML's own scalars as text, as Kubernetes wants labels, annotations and amounts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float | date) else value


def _lasting(value: str) -> str:
    if "\0" in value:
        raise ValueError(f"should be text without NUL, which Airflow's database does not take, got {shown(value)}")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"should be text in UTF-8, got {shown(value)}")
    return value


def _whole(value: Any) -> Any:
    # YAML 1.1 takes 010 for eight, and pydantic for ten.
    if isinstance(value, bool) or (isinstance(value, str) and re.match(r"\s*[+-]?0\d", value)):
        raise ValueError(f"should be a whole number, without zeros before it, got {shown(value)}")
    return value


def _absolute(value: Any) -> Any:
    if isinstance(value, PurePosixPath):
        return value
    odd = not isinstance(value, str) or {":", "\0"} & {*value} or ".." in value.split("/")
    if odd or not value.startswith("/"):
        raise ValueError(f"should be an absolute path in the image, without ':' and '..', got {shown(value)}")
    # POSIX keeps two slashes at the beginning; Kubernetes and Docker do not.
    return PurePosixPath(f"/{value.lstrip('/')}")


def folder(value: Any) -> PurePosixPath:
    """Return where in a container something can be mounted. Raises `ValueError`."""
    path: PurePosixPath = _absolute(value)
    if not path.name:
        raise ValueError(f"should be a folder below /, got {shown(value)}")
    return path


def address(value: str) -> str:
    """Return an address of the web without a slash at its end. Raises `ValueError`, also for one with credentials."""
    with suppress(ValueError):
        parts = urlsplit(value)
        whole = re.fullmatch(r"[!-~\w]+", value) and not {"?", "#"} & {*value} and "@" not in parts.netloc
        # Reading the port checks it.
        if whole and parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return value.rstrip("/")
    bare = ", without credentials" if "@" in value else ""
    raise ValueError(f"should be an address such as https://airflow.example.com/path{bare}, got {shown(value)}")


def different(value: Listed) -> Listed:
    """Return the list. Raises `ValueError` if it names anything more than once."""
    twice = sorted(entry for entry, count in Counter(value or ()).items() if count > 1)
    if twice:
        raise ValueError(f"named more than once: {', '.join(twice)}")
    return value


def filled(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return the list. Raises `ValueError` if it is empty."""
    if not value:
        raise ValueError("should not be empty")
    return value


_SCALAR = {"type": ["string", "number", "boolean"]}
Text = Annotated[
    str,
    Field(min_length=1),
    BeforeValidator(_text),
    AfterValidator(_lasting),
    WithJsonSchema({**_SCALAR, "minLength": 1}),
]
"""Text that is not empty; numbers and booleans count as the text they were written with."""
AnyText = Annotated[str, BeforeValidator(_text), AfterValidator(_lasting), WithJsonSchema(_SCALAR)]
"""Text that may be empty."""
Group = Annotated[int, Field(ge=0, le=_MAX_GROUP), BeforeValidator(_whole)]
Minutes = Annotated[int, Field(ge=0, le=_MAX_MINUTES), BeforeValidator(_whole)]
Seconds = Annotated[int, Field(ge=-_MAX_SECONDS, le=_MAX_SECONDS), BeforeValidator(_whole)]
Address = Annotated[Text, AfterValidator(address)]
ImagePath = Annotated[PurePosixPath, BeforeValidator(_absolute), WithJsonSchema({"type": "string", "pattern": "^/"})]
AirflowId = Annotated[Text, Matching(r"[\w.-]+", 250, "an id of Airflow: letters, digits, '-', '_' and '.'")]
TagName = Annotated[Text, Matching(r"[\w.-]+", 250, "letters, digits, '-', '_' and '.', as a tag of Kedro has")]
VariableName = Annotated[
    Text,
    Matching(r"[A-Za-z_.-][A-Za-z0-9_.-]*", 250, "a name of letters, digits, '_', '-' and '.' with no digit first"),
]
Variables = Annotated[tuple[VariableName, ...], AfterValidator(different)]
