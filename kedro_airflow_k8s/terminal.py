"""Texts of others as a terminal can show them."""

from __future__ import annotations

import re

# Control characters but for tab and line feed, halves of surrogate pairs, and what changes the direction of the text.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return a text with visible escapes for what would move the cursor, colour the terminal or be no text at all."""
    return _INVISIBLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n"))
