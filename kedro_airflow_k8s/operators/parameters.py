"""What the templates of a pod can ask Airflow for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from jinja2 import pass_context


@pass_context
def macro(context: Any, name: str, schedule: str | None = None) -> str:
    """Return a macro as text; those that Airflow 3 dropped have the meaning that Airflow 2 gave them."""
    when = context.get("logical_date")
    dropped = re.fullmatch("(execution|((prev|next|yesterday|tomorrow)_(ds|ds_nodash|execution)))(_date)?", name)
    if not dropped:
        value = context.get(name)
    elif when is None or name == "execution_date":
        value = when
    elif dropped[3] in ("yesterday", "tomorrow"):
        value = when + timedelta(days=1 if dropped[3] == "tomorrow" else -1)
    else:
        value = _neighbour(when, dropped[3], schedule, manual=context["dag_run"].run_type == "manual")
    if value is None:
        reason = "has no logical date" if when is None else f"has none before or after it, with schedule {schedule}"
        raise ValueError(f"The macro {name} of run_config.macro_params has no value: run {context['run_id']} {reason}")
    if dropped and name.endswith(("_ds", "_nodash")):
        return f"{value:%Y%m%d}" if name.endswith("_nodash") else f"{value:%Y-%m-%d}"
    return str(value)


def _neighbour(when: Any, side: str, schedule: str | None, *, manual: bool) -> Any:
    from croniter import croniter

    if manual:  # as Airflow 2 has it: a run out of the schedule is its own neighbour
        return when
    if schedule is None:
        return None
    times = croniter(schedule, when)
    return (times.get_prev if side == "prev" else times.get_next)(datetime)


@pass_context
def variable(context: Any, name: str) -> str:
    """Return an Airflow Variable as text."""
    value = context["var"]["value"].get(name, None)
    if value is None:
        raise ValueError(f"Airflow has no Variable {name}, which airflow-k8s.yaml names")
    return str(value)


def literal(text: str) -> str:
    """Write text so that Kubernetes takes none of it for a reference to a variable."""
    return text.replace("$", "$$")


def param(name: str, text: str) -> str:
    """Write a value for `kedro run --params` in such a way that Kedro reads exactly this text."""
    if "${" in text:
        raise ValueError(f"The parameter {name} holds a '${{', which Kedro would take for a reference")
    plain = " -./:_"
    return f'{name}="{"".join(c if (c.isascii() and c.isalnum()) or c in plain else _escaped(c) for c in text)}"'


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
