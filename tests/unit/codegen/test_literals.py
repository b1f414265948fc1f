"""Values written as Python source."""

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_airflow_k8s.codegen.literals import write
from kedro_airflow_k8s.model import Call, Local, Ref

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def name(ref):
    return ref.name


@given(VALUES, st.integers(0, 4))
def test_source_evaluates_to_the_value(value, indent):
    """Whatever a configuration can hold comes back the same from the source, however it was broken over lines."""
    assert value == eval(write(value, name, indent=indent))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ("\x00\u202e", '"\\x00\\u202e"'),
        ((1,), "(1,)"),
        (timedelta(minutes=90), "timedelta(minutes=90)"),
        (timedelta(days=-2), "timedelta(days=-2)"),
        (timedelta(seconds=61), "timedelta(seconds=61)"),
        (datetime(2024, 1, 1, tzinfo=timezone.utc), "datetime(2024, 1, 1, tzinfo=timezone.utc)"),
        (datetime(2024, 1, 1, 0, 5, tzinfo=timezone.utc), "datetime(2024, 1, 1, 0, 5, tzinfo=timezone.utc)"),
        (Ref("m", "f"), "f"),
        (Local("pod"), "pod"),
        (Call(Ref("m", "Secret"), {"key": "k"}), 'Secret(key="k")'),
    ],
)
def test_values_are_written_as_a_formatter_would(value, expected):
    """Quotes, tuples, dates and calls have one spelling."""
    assert expected == write(value, name)


def test_a_long_value_is_broken_over_lines():
    """What does not fit stands one entry a line, with a comma behind each."""
    value = {"a": ["x" * 60, "y" * 60], "b": 1}

    assert write(value, name) == "\n".join(
        ["{", '    "a": [', f'        "{"x" * 60}",', f'        "{"y" * 60}",', "    ],", '    "b": 1,', "}"]
    )


def test_long_text_is_broken_at_its_line_ends():
    """Text of several lines stands one of its lines a line."""
    value = "a" * 70 + "\n" + "b" * 70

    assert write(value, name) == f'(\n    "{"a" * 70}\\n"\n    "{"b" * 70}"\n)'


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), date(2024, 1, 1), datetime(2024, 1, 1), b"x"])
def test_what_has_no_source_is_refused(value):
    """A value that would have to be guessed is an error that names it."""
    with pytest.raises(TypeError, match="cannot be written as Python source"):
        write(value, name)
