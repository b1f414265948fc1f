"""Fits text to where it goes: ids of Airflow, names and labels of Kubernetes, templates of Jinja."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count

ID_BYTES = 240
"""The most bytes of an id: Airflow calls files and folders by it, such as `task_id=...` and `....py.log`, of which file
systems allow 255, and stores 250 characters."""
TAG_LENGTH = 100
LABEL_LENGTH = 63
RUN_ID = "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ '/' ~ run_id) }}"
"""A template for what tells a run from all others, in every task and try of it the same: digits and hyphens."""


def slug(text: str) -> str:
    """Return the text in lower case with a hyphen for all that is neither letter nor digit; it may be empty."""
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text).lower()).strip("-")


def airflow_id(text: str) -> str:
    """Return the text as a valid id for Airflow, unchanged if it is one; it may be empty."""
    valid = text if re.fullmatch(r"[\w.-]+", text) else re.sub(r"[^\w.-]+", "-", text).strip("-")
    # In a path of Airflow's API dots alone mean the folder above.
    return _fitting(_labelled(valid, "dag"), ID_BYTES) if valid.strip(".") else ""


def task_ids(names: Iterable[str], taken: Collection[str]) -> Mapping[str, str]:
    """Return a task id for each node's name: its slug, or where two would be equal, the slug with a number."""
    slugs = {name: _fitting(_labelled(slug(name), "node"), ID_BYTES - 10) for name in names}
    natural = {*taken, *slugs.values()}
    used = set(taken)
    chosen: dict[str, str] = {}
    for name, wanted in slugs.items():
        task_id = wanted if wanted not in used else numbered(wanted, used | natural)
        used.add(task_id)
        chosen[name] = task_id
    return chosen


def _labelled(text: str, prefix: str) -> str:
    """Put the prefix before an id of which Airflow would make no label of a pod, for which it keeps ASCII only."""
    return text if re.search(r"[A-Za-z0-9]", text) else f"{prefix}-{text}".rstrip("-")


def _fitting(text: str, size: int) -> str:
    """Return the text, shortened until it has at most `size` bytes."""
    length = size
    while len(shortened(text, length).encode()) > size:
        length -= 1
    return shortened(text, length)


def numbered(wanted: str, taken: Collection[str]) -> str:
    """Return the id, or if it is taken the id with the first number that makes it another."""
    numbers = (f"{wanted}-{number}" for number in count(2))
    return next(task_id for task_id in chain([wanted], numbers) if task_id not in taken)


def dns_name(text: str, length: int) -> str:
    """Return the text as the beginning of a DNS-1123 name of Kubernetes, at most `length` characters; never empty."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return slug(ascii_text)[:length].strip("-") or "kedro"


def label(text: str) -> str:
    """Return the text as a value that Kubernetes takes for a label, unchanged if it is one."""
    bare = text.strip("-_.")
    if re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", bare):
        return bare
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "-", bare)[: LABEL_LENGTH - 9].strip("-_.")
    return f"{kept}-{digest}" if kept else digest


def shortened(text: str, length: int) -> str:
    """Return the text, or if it is too long its beginning and a digest that keeps it apart from others."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: length - 9].rstrip('-_.')}-{digest}"


def verbatim(text: str) -> str:
    """Return a Jinja template that renders to exactly this text, the text itself wherever that does."""
    if not re.search(r"\{[{%#]|\r|\n\Z", text):
        return text
    # Everything but plain characters is escaped, so that nothing in the quotes can end them or look like a template.
    plain = re.compile(r"[A-Za-z0-9 _./:;,=+*?!@$&()<>|~^#-]")
    return "{{ '" + "".join(char if plain.match(char) else _escape(char) for char in text) + "' }}"


def argument(text: str) -> str:
    """Return a Jinja template for an argument or variable of a container that arrives there as this text.

    Kubernetes takes `$(NAME)` there for a variable, and two dollars for one.
    """
    return verbatim(text.replace("$", "$$"))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
