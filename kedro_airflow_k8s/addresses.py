"""What may be secret in an address, and texts without it."""

from __future__ import annotations

import re

# What stands before the @ is no user but an image.
_NO_DIGEST = r"(?!\w+:[0-9a-fA-F]{32})"
_BEGINNING = r"(?:(?<=[\s'\"`(<\[=,])|^)"
_NAME = r"[^\s/@:'\"]{1,256}"
# The repetitions are bounded so that no text takes quadratic time.
_HIDDEN = (
    # A user and a password, which may hold slashes and further @; or one of the two.
    (re.compile(rf"(?<=://)(?:[^/@:\s]{{0,256}}:\S{{0,4096}}|[^/\s]{{0,4096}})@{_NO_DIGEST}"), "...@"),
    (re.compile(rf"{_BEGINNING}(?![\w+.-]{{1,32}}://){_NAME}(?::(?!//)\S{{0,4096}})?@{_NO_DIGEST}"), "...@"),
    # A query and a fragment: signatures and tokens.
    (re.compile(r"(?<=[^\s'\"])([?#])[^\s'\"]+"), r"\1..."),
    # A long word in place of a host is a token to most services; to these it is a bucket or a host.
    (
        re.compile(r"\b((?!https?:|s3a?:|gc?s:|file:)[A-Za-z][\w+.-]{0,32}://)[^\s/.:@'\"]{16,}(?=[\s'\"),;]|$)"),
        r"\1...",
    ),
)
_REFERENCE = re.compile(r"\$\{[^{}]*\}")
_PASSWORD = re.compile(r"[\w+.-]+://[^/@:]*:(?!\d{1,5}/)[^@]+@")


def public(text: str) -> str:
    """Return a text with `...` for what may be secret in the addresses in it.

    That is what stands before an @, a query, a fragment, and a token in place of a host. Hide before you cut a text.
    """
    for pattern, replacement in _HIDDEN:
        text = pattern.sub(replacement, text)
    return text


def has_password(address: str) -> bool:
    """Tell whether an address certainly has a password, other than as a reference to a variable."""
    return _PASSWORD.match(_REFERENCE.sub("", address)) is not None
