"""What a server answered, and what it says is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from kedro_airflow_k8s.addresses import public


@dataclass(frozen=True)
class Answer:
    """What the server said.

    `body` is None unless it is JSON; `detail` is what the server says is wrong. `detail` and `address` are without
    secrets. `breaks_off` means JSON that has no end. `retry_after` is in seconds; `ahead` is by how much our clock is
    ahead of the server's.
    """

    status: int
    url: str = field(repr=False)
    detail: str
    body: Any = field(repr=False)
    address: str = ""
    is_html: bool = False
    breaks_off: bool = False
    retry_after: float | None = None
    ahead: timedelta = timedelta()

    @property
    def ok(self) -> bool:
        """Whether the request was granted, by something that is not a web page for people."""
        return 200 <= self.status < 300 and not self.is_html


def read_answer(response: requests.Response, content: bytes, hide: Callable[[str], str]) -> Answer:
    """Read what came over the network; `hide` takes secrets out of a text."""
    text = _decoded(response, content)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    kind = response.headers.get("Content-Type", "")
    is_html = ("html" in kind and bool(text)) or text.lstrip().lower().startswith(("<!doctype", "<html"))
    return Answer(
        response.status_code,
        response.url,
        # Cut after hiding: half a secret is one that hides nothing.
        _detail(body, text, is_html, hide),
        body,
        public(hide(response.url)),
        is_html,
        body is None and text.lstrip().startswith(("{", "[")),
        _retry_after(response.headers.get("Retry-After", "")),
        _ahead(response.headers.get("Date", "")),
    )


def _decoded(response: requests.Response, content: bytes) -> str:
    try:
        return content.decode(response.encoding or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _detail(body: Any, text: str, is_html: bool, hide: Callable[[str], str]) -> str:
    """Return what an answer says is wrong, in any of the shapes that Airflow's versions have for that."""
    if is_html:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"an HTML page, {hide(title.group(1).strip())[:100]!r}" if title else "an HTML page"
    if body is None:
        return " ".join(hide(text).split())[:100] or "no reason given"
    found = body
    if isinstance(found, Mapping):
        found = found.get("detail") or found.get("title") or found.get("error") or found.get("message")
    if isinstance(found, Mapping):
        found = found.get("reason") or json.dumps(found)
    if isinstance(found, list):
        parts = [entry for entry in found if isinstance(entry, Mapping)]
        found = "; ".join(f"{_location(part)}: {part.get('msg')}" for part in parts)
    return hide(str(found or "no reason given")).strip()[:500]


def _location(part: Mapping[str, Any]) -> str:
    found = part.get("loc")
    return ".".join(map(str, found)) if isinstance(found, list) else str(found)


def _retry_after(value: str) -> float | None:
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return float(value)
    moment = _moment(value)
    return None if moment is None else max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _ahead(value: str) -> timedelta:
    moment = _moment(value)
    return timedelta() if moment is None else datetime.now(timezone.utc) - moment


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
