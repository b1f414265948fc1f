"""The feature that the page of the architecture adds does what the page says."""

from kedro_airflow_k8s import plan
from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.model import Fragment
from kedro_airflow_k8s.project import Node
from tests.docs.pages import DOCS, PAGES
from tests.unit.plan.test_plan import notes, planned

BLOCKS = {block.marks["example"]: block.text for block in PAGES["architecture.md"] if "example" in block.marks}
TAGGED = (Node("one", ("spot",)), Node("two", (), ("one",)))


def feature():
    """Return the feature of the page."""
    names = {}
    exec(compile(BLOCKS["feature"], "plan/spot.py", "exec"), names)
    return names["spot"]


def test_the_example_adds_the_lines_that_the_page_shows(monkeypatch):
    monkeypatch.setattr(plan, "FEATURES", (*plan.FEATURES, feature()))

    made = planned(nodes=TAGGED)

    written = [line.strip() for line in render(made.dag)[0].splitlines()]
    assert [] == [line for line in BLOCKS["lines"].splitlines() if line not in written]
    assert notes(made) == ("these tasks run on spot machines: one",)


def test_the_example_leaves_no_trace_where_it_is_off(monkeypatch):
    expected = planned()

    monkeypatch.setattr(plan, "FEATURES", (*plan.FEATURES, feature()))

    assert planned() == expected


def test_the_page_has_every_slot_of_a_fragment():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = [line.partition(" | ")[0] for line in text.splitlines() if line.startswith("| `")]

    assert {*Fragment.__dataclass_fields__} <= {name.strip("`| ") for row in rows for name in row.split(",")}
