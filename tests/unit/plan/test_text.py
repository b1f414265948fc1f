"""Text fitted to Airflow, Kubernetes and Jinja."""

import re

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_airflow_k8s.plan import text

LABEL = r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("train_model", "train-model"), ("a.b", "a-b"), ("func([x;y]) -> [z]", "func-x-y-z"), ("żółć", "żółć"), ("_", "")],
)
def test_slug(name, expected):
    """Letters and digits of any script stay; everything else is a hyphen."""
    assert expected == text.slug(name)


def test_nodes_with_equal_slugs_get_different_task_ids():
    """No node is lost to another of the same slug, a reserved id, or a number that another node bears."""
    names = ["a.b", "a_b", "a-b", "a-b-2", "final", "___", "..."]

    assert {
        "a.b": "a-b",
        "a_b": "a-b-3",
        "a-b": "a-b-4",
        "a-b-2": "a-b-2",
        "final": "final-2",
        "___": "node",
        "...": "node-2",
    } == text.task_ids(names, ["final"])


@given(st.lists(st.text(min_size=1, max_size=300), unique=True, max_size=8))
def test_task_ids_are_valid_and_distinct(names):
    """Whatever the nodes are called, Airflow takes their task ids, and there is one for each."""
    found = text.task_ids(names, ["final", "kedro"])

    assert names == list(found)
    assert len(names) == len(set(found.values()))
    assert all(re.fullmatch(r"[\w.-]{1,250}", task_id) for task_id in found.values())
    # Airflow makes a label of what is ASCII in it, and a folder `task_id=...`, of which a file system takes 255 bytes.
    assert all(re.search(r"[A-Za-z0-9]", task_id) and len(task_id.encode()) <= 247 for task_id in found.values())


@given(st.text())
def test_literal_text_survives_jinja(value):
    """A template made of any text renders to that text, in the way Airflow renders."""
    rendered = jinja2.Environment().from_string(text.verbatim(value)).render()

    assert value == rendered


@pytest.mark.parametrize("value", ["{{ x }}", "{% raw %}", "{# c #}", "a\r\nb", "end\n", "'{{\\", "😀{{", "{{ '}}' }}"])
def test_literal_text_with_templates_survives_jinja(value):
    """Text that looks like a template is no template."""
    assert value == jinja2.Environment().from_string(text.verbatim(value)).render()


@given(st.text())
def test_labels_are_valid(value):
    """Any text gives a value that Kubernetes takes for a label, the same one each time."""
    assert re.fullmatch(LABEL, text.label(value))
    assert text.label(value) == text.label(value)


@given(st.text(), st.integers(min_value=5, max_value=26))
def test_dns_names_are_valid(value, length):
    """Any text gives the beginning of a DNS-1123 name within the length."""
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", text.dns_name(value, length))
    assert len(text.dns_name(value, length)) <= length


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b_c-1", "a.b_c-1"),
        ("Two words!", "Two-words"),
        ("///", ""),
        ("日本", "dag-日本"),
        ("日1", "日1"),
        ("..", ""),
    ],
)
def test_airflow_ids(name, expected):
    """A valid id stays; what Airflow refuses becomes a hyphen, and for its labels there is something in ASCII."""
    assert expected == text.airflow_id(name)
