"""Parameters as the templates of a DAG write them, and as Kedro reads them."""

from datetime import datetime, timezone
from types import SimpleNamespace

import click
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.framework.cli.utils import _split_params

from kedro_airflow_k8s.operators.parameters import env_value, macro, param, variable

WHEN = datetime(2026, 3, 1, 5, tzinfo=timezone.utc)


def read(arguments):
    """Return what `kedro run --params=ARGUMENTS` makes of them."""
    return _split_params(click.Context(click.Command("run")), SimpleNamespace(name="params"), arguments)


def render(template, **context):
    """Render a template as Airflow does."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.globals.update(macro=macro, param=param, variable=variable, env_value=env_value)
    return environment.from_string(template).render(**context)


def run(kind="scheduled", when=WHEN, **context):
    dated = {"logical_date": when, "ds": f"{when:%Y-%m-%d}", "ds_nodash": f"{when:%Y%m%d}"} if when else {}
    return {"run_id": f"{kind}__x", "dag_run": SimpleNamespace(run_type=kind), **dated, **context}


def variables(**values):
    return {"var": {"value": SimpleNamespace(get=lambda name, default: values.get(name, default))}}


@given(st.text().filter(lambda text: "${" not in text), st.text().filter(lambda text: "${" not in text))
def test_any_text_arrives_as_it_is(one, two):
    """Kedro reads back exactly the text, whatever YAML, commas or Kubernetes would make of it."""
    arguments = f"{param('one', one)},{param('two', two)}"

    assert read(arguments) == {"one": one, "two": two}
    assert "$" not in arguments


@pytest.mark.parametrize(
    "text",
    ["20240101", "00123", "12:30", "1e3", "no", "null", "", "a,b", "[1,2]", "x: y", "{{ ds }}", "$(id)", "😀 '\""],
)
def test_text_that_looks_like_something_else_stays_text(text):
    """Numbers, dates, booleans and lists in a macro or Variable are text for Kedro."""
    assert read(param("x", text)) == {"x": text}


def test_a_reference_is_refused():
    """Kedro would replace it, so it cannot arrive as it is."""
    with pytest.raises(ValueError, match=r"The parameter x holds a '\$\{'"):
        param("x", "a ${b}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ds", "2026-03-01"),
        ("ds_nodash", "20260301"),
        ("execution_date", "2026-03-01 05:00:00+00:00"),
        ("yesterday_ds", "2026-02-28"),
        ("tomorrow_ds_nodash", "20260302"),
        ("prev_ds", "2026-02-28"),
        ("prev_ds_nodash", "20260228"),
        ("prev_execution_date", "2026-02-28 05:00:00+00:00"),
        ("next_ds", "2026-03-02"),
        ("next_execution_date", "2026-03-02 05:00:00+00:00"),
        ("run_id", "scheduled__x"),
    ],
)
def test_a_macro_of_a_scheduled_run(name, expected):
    """Every macro has the meaning that it had in Airflow 2, also in a run that a backfill makes up for."""
    for kind in ("scheduled", "backfill"):
        made = render(f"{{{{ macro('{name}', '0 5 * * *') }}}}", **run(kind))

        assert made.replace(kind, "scheduled") == expected


@pytest.mark.parametrize("name", ["prev_ds", "next_ds", "ds"])
def test_a_run_out_of_the_schedule_is_its_own_neighbour(name):
    """As in Airflow 2, a manual run has its own date before and after it."""
    for kind in ("manual", "operator_triggered", "asset_triggered"):
        assert render(f"{{{{ macro('{name}', '@daily') }}}}", **run(kind)) == "2026-03-01"


@pytest.mark.parametrize("name", ["ds", "ts_nodash", "execution_date", "prev_ds", "yesterday_ds", "logical_date"])
def test_a_run_without_a_logical_date_fails_with_the_name_of_the_macro(name):
    """There is no date to hand to the node, and the error says for which macro."""
    with pytest.raises(ValueError, match=rf"The macro {name} .* run manual__x has no logical date"):
        render(f"{{{{ macro('{name}') }}}}", **run("manual", when=None))


def test_run_id_needs_no_logical_date():
    """What every run has, every run hands on."""
    assert render("{{ macro('run_id') }}", **run("manual", when=None)) == "manual__x"


def test_a_neighbour_needs_a_schedule():
    """A DAG that runs once has no run before it."""
    with pytest.raises(ValueError, match=r"The macro prev_ds .* schedule None"):
        render("{{ macro('prev_ds') }}", **run())


def test_a_variable_is_text():
    """A Variable that holds JSON stays the text that it is."""
    assert render("{{ variable('limits') }}", **variables(limits='{"a": [1, 2]}')) == '{"a": [1, 2]}'


def test_a_missing_variable_is_said():
    """Neither an empty text nor the word None takes its place."""
    with pytest.raises(ValueError, match="Airflow has no Variable limits"):
        render("{{ variable('limits') }}", **variables())


def test_kubernetes_expands_nothing():
    """A dollar is doubled, which Kubernetes undoes."""
    assert env_value("$(HOME) $$") == "$$(HOME) $$$$"
