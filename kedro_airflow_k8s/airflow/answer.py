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


@dataclass(frozen=True)
class Answer:
    """What the server said.

    `body` is None unless it is JSON; `detail` is what it says is wrong, without the secrets that it may quote;
    `breaks_off` means JSON that has no end. `retry_after` is in seconds; `ahead` is by how much our clock is ahead of
    the server's.
    """

    status: int
    url: str
    detail: str
    body: Any = field(repr=False)
    is_html: bool = False
    breaks_off: bool = False
    retry_after: float | None = None
    ahead: timedelta = timedelta()

    @property
    def ok(self) -> bool:
        """Whether the request was granted, by something that is not a web page for people."""
        return 200 <= self.status < 300 and not self.is_html


def read_answer(response: requests.Response, hide: Callable[[str], str]) -> Answer:
    """Read what came over the network; `hide` takes secrets out of a text."""
    text = response.text
    try:
        body = response.json()
    except ValueError:
        body = None
    kind = response.headers.get("Content-Type", "")
    is_html = ("html" in kind and bool(text)) or text.lstrip().lower().startswith(("<!doctype", "<html"))
    return Answer(
        response.status_code,
        response.url,
        hide(_detail(body, text, is_html)),
        body,
        is_html,
        body is None and text.lstrip().startswith(("{", "[")),
        _retry_after(response.headers.get("Retry-After", "")),
        _ahead(response.headers.get("Date", "")),
    )


def _detail(body: Any, text: str, is_html: bool) -> str:
    """Return what an answer says is wrong, in any of the shapes that Airflow's versions have for that."""
    if is_html:
        title = re.search(r"<title[^>]*>\s*(.*?)\s*</title>", text, re.IGNORECASE | re.DOTALL)
        return f"an HTML page, {title.group(1)[:100]!r}" if title else "an HTML page"
    found = body
    if isinstance(found, Mapping):
        found = found.get("detail") or found.get("title") or found.get("error") or found.get("message")
    if isinstance(found, Mapping):
        found = found.get("reason") or json.dumps(found)
    if isinstance(found, list):
        parts = [entry for entry in found if isinstance(entry, Mapping)]
        found = "; ".join(f"{'.'.join(map(str, part.get('loc', ())))}: {part.get('msg')}" for part in parts)
    if body is None:
        found = " ".join(text.split())[:100]
    return str(found or "no reason given").strip()[:500]


def _retry_after(value: str) -> float | None:
    if value.strip().isdigit():
        return float(value)
    moment = _moment(value)
    return None if moment is None else max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _ahead(value: str) -> timedelta:
    moment = _moment(value)
    return timedelta() if moment is None else datetime.now(timezone.utc) - moment


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
