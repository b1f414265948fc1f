"""Label and field selectors."""

import pytest

from kedro_airflow_k8s.sandbox.cluster.api.selectors import by_fields, by_labels
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Refusal

ITEM = {
    "metadata": {"name": "a", "labels": {"app": "demo", "n": "5", "example.com/x": ""}},
    "status": {"phase": "Failed"},
}


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "app",
        "app=demo",
        "app==demo",
        "app!=other",
        "missing!=x",
        "!missing",
        "app in (other, demo)",
        "app notin (other)",
        "missing notin (a,b)",
        "n>4,n<6",
        "example.com/x=",
        " app = demo , !airflow-worker ,already_checked!=True",
    ],
)
def test_a_label_selector_that_matches(selector):
    """Every operator of Kubernetes, with the meaning it has for labels that are missing."""
    assert by_labels(selector)(ITEM)


@pytest.mark.parametrize(
    "selector", ["missing", "app=other", "app!=demo", "!app", "app in (other)", "app notin (demo)", "n>5", "app>1"]
)
def test_a_label_selector_that_does_not_match(selector):
    """Each operator can fail."""
    assert not by_labels(selector)(ITEM)


@pytest.mark.parametrize("selector", ["a=b=c", "run_id=manual__2024-01-01T00:00:00+00:00", "-x", "a in b", "=", "a,,b"])
def test_a_label_selector_that_makes_no_sense_is_refused(selector):
    """A value that no label can have is refused like bad syntax, as by a cluster."""
    with pytest.raises(Refusal, match="unable to parse requirement") as caught:
        by_labels(selector)

    assert 400 == caught.value.code


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=a", True),
        ("metadata.name!=a", False),
        ("status.phase==Failed,metadata.name=a", True),
        ("", True),
    ],
)
def test_field_selectors(selector, matches):
    """Fields are compared as text."""
    assert matches == by_fields(selector, "pods")(ITEM)


def test_fields_that_are_not_indexed_are_refused():
    """Kubernetes selects by a few fields of each resource only."""
    with pytest.raises(Refusal, match=r"field label not supported: involvedObject\.name"):
        by_fields("involvedObject.name=a", "pods")
