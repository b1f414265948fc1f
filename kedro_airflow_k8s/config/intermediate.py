"""The section `run_config.intermediate_data`: where data lies that passes between tasks outside the catalog."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, WithJsonSchema

from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import Text, shown

_OF_ONE_POD = ("file", "local", "memory")
_READ_ONLY = ("http", "https", "zip", "tar", "github", "data")


def _store(value: str) -> str:
    if value == "volume":
        return value
    parts = urlsplit(value)
    if "://" not in value or not parts.scheme or not (parts.netloc or parts.path.strip("/")):
        raise ValueError(f"should be 'volume', null, or an fsspec URL such as s3://bucket/prefix, got {shown(value)}")
    if parts.scheme in _OF_ONE_POD:
        raise ValueError(f"should be an address that all pods share; {parts.scheme}:// is in each pod its own")
    if parts.scheme in _READ_ONLY:
        raise ValueError(f"should be an address that can be written to; {parts.scheme}:// is for reading")
    if "@" in parts.netloc:
        raise ValueError("should hold no login; name an entry of credentials.yml in intermediate_data.credentials")
    return value.rstrip("/")


Store = Annotated[
    str,
    AfterValidator(_store),
    WithJsonSchema({"anyOf": [{"const": "volume"}, {"type": "string", "pattern": "^[a-z0-9+.-]+://.+"}]}),
]


class IntermediateData(Section):
    """Data that one task writes and another reads, and that the catalog would keep in memory."""

    store: Store | None = "volume"
    """Where it lies: `volume` for the run's volume, an fsspec URL such as `s3://bucket/prefix`, or null to refuse such
    a pipeline. Without a volume the default is null."""
    credentials: Text | None = None
    """Entry of `credentials.yml` for the URL; none means the pod's own environment."""
    keep_on_failure: bool = False
    """Keep it at the URL after a failed run, so that its failed task can be cleared and run again."""

    def place(self, *, volume: bool) -> str | None:
        """Return where the data lies in a run with or without a volume; None for nowhere."""
        return self.store if volume or "store" in self.model_fields_set else None
