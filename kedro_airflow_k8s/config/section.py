"""What every section of the configuration has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A mapping of the file: frozen, and with no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, given: Any) -> Any:
        # For YAML a section, list or map is null as soon as all that is in it is commented out.
        if not isinstance(given, Mapping):
            return {} if given is None else given
        kept = {key: field.default for key, field in cls.model_fields.items()}
        return {
            key: value
            for key, value in given.items()
            if value is not None or not isinstance(kept.get(key), Section | tuple | dict)
        }
