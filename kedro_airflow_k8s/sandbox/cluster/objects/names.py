"""How Kubernetes wants names, labels and quantities to be written."""

from __future__ import annotations

import re
from decimal import Decimal

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?(?::\d+)?"
_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,}"
_IMAGE = re.compile(rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*(?:{_TAG})?(?:{_DIGEST})?", re.ASCII)
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character (e.g. 'my-name'), with 63 characters at most"
)
LABEL_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName'), with 63 characters at most, after an optional DNS subdomain and '/'"
)
LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue'), with 63 characters at most"
)


def is_subdomain(text: str) -> bool:
    """Tell whether a pod, a claim or a secret may have this name."""
    return len(text) <= 253 and re.fullmatch(_SUBDOMAIN, text) is not None


def is_label(text: str) -> bool:
    """Tell whether a container or a volume may have this name."""
    return len(text) <= 63 and re.fullmatch(_LABEL, text) is not None


def is_label_key(text: str) -> bool:
    """Tell whether a label or an annotation may have this key."""
    prefix, slash, name = text.rpartition("/")
    return (is_subdomain(prefix) if slash else True) and len(name) <= 63 and re.fullmatch(_WORD, name) is not None


def is_label_value(text: str) -> bool:
    """Tell whether a label may have this value."""
    return len(text) <= 63 and re.fullmatch(rf"(?:{_WORD})?", text) is not None


def is_image(text: str) -> bool:
    """Tell whether this can be the name of an image, with its registry, tag and digest, if any."""
    return _IMAGE.fullmatch(text) is not None


def quantity(value: object) -> Decimal | None:
    """Return what a quantity such as `500m` or `1Gi` amounts to; None where it is not one."""
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix.endswith("i"):
        return number * Decimal(1024) ** ("KMGTPE".index(suffix[0]) + 1)
    if suffix in _POWERS:
        return number.scaleb(_POWERS[suffix])
    return number.scaleb(int(suffix[1:])) if suffix else number
