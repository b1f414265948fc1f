"""What the templates of a pod can ask Airflow for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from jinja2 import pass_context


@pass_context
def macro(context: Any, name: str, schedule: str | None = None) -> str:
    """Return a macro as text; those that Airflow 3 dropped have the meaning that Airflow 2 gave them."""
    when = context.get("logical_date")
    side, _, form = name.partition("_")
    if name == "execution_date":
        value = when
    elif side not in ("prev", "next", "yesterday", "tomorrow"):
        value = context.get(name)
    elif when is None:
        value = None
    elif side in ("yesterday", "tomorrow"):
        value = when + timedelta(days=1 if side == "tomorrow" else -1)
    elif context["dag_run"].run_type in ("scheduled", "backfill"):
        value = _neighbour(when, side, schedule)
    else:
        value = when  # as Airflow 2 has it, a run out of the schedule is its own neighbour
    if value is None:
        reason = "has no logical date" if when is None else f"has none before or after it, with schedule {schedule}"
        raise ValueError(f"The macro {name} of run_config.macro_params has no value: run {context['run_id']} {reason}")
    written = {"ds": "%Y-%m-%d", "ds_nodash": "%Y%m%d"}.get(form)
    return f"{value:{written}}" if written else str(value)


def _neighbour(when: Any, side: str, schedule: str | None) -> Any:
    from croniter import croniter

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


def env_value(text: str) -> str:
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
