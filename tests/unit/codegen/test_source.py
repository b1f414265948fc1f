"""A DAG as the text of a file; tests/golden shows whole ones."""

import ast
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.model import Call, DagSpec, Ref, TaskSpec

EMPTY = Ref("kedro_airflow_k8s.operators._airflow", "EmptyOperator")
FINAL = TaskSpec("final", Call(EMPTY))


def task(task_id, *upstream):
    return TaskSpec(task_id, Call(EMPTY), upstream)


def dag(*nodes, doc="Text.\n", **values):
    return DagSpec(dag_id="demo", doc=doc, arguments={"schedule": None}, nodes=nodes, final=FINAL, **values)


def lines(text, mark=">>"):
    return [line.strip() for line in text.splitlines() if mark in line]


def test_the_build_id_is_a_digest_of_the_file():
    """Twelve digits of the SHA-256 of the file with a NUL where the id goes; it is the documentation's last line."""
    text, build_id = render(dag(task("a")))

    assert build_id == hashlib.sha256(text.replace(build_id, "\0").encode()).hexdigest()[:12]
    assert ast.get_docstring(ast.parse(text), clean=False).splitlines()[-1] == f"Build id: {build_id}"


def test_any_change_changes_the_build_id():
    """Two different DAGs are told apart."""
    assert render(dag(task("a")))[1] != render(dag(task("b")))[1]


def test_documentation_survives_as_it_is():
    """Quotes, backslashes and invisible characters of the documentation are no Python."""
    doc = 'a """ \\ \\n \x07 "quoted"\n\nlast "\n'

    text, build_id = render(dag(task("a"), doc=doc))

    assert ast.get_docstring(ast.parse(text), clean=False) == f"{doc}\nBuild id: {build_id}"


def test_edges_with_one_parent_are_written_once():
    """A parent fans out in one statement; a task with several parents has one of its own."""
    text, _ = render(dag(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"), task("e", "b", "c")))

    assert lines(text) == ["a >> [b, c]", "[b, c] >> d", "[b, c] >> e", "[*kedro] >> final"]


def test_a_task_without_edges_needs_no_variable():
    """Only what an edge names is assigned."""
    text, _ = render(dag(task("lone"), task("a"), task("b", "a")))

    assert lines(text, "task_id=") == [
        'EmptyOperator(task_id="lone")',
        'a = EmptyOperator(task_id="a")',
        'b = EmptyOperator(task_id="b")',
        'final = EmptyOperator(task_id="final")',
    ]


def test_chains_stand_around_the_nodes():
    """What comes before precedes the first nodes; what comes after waits for all of them, not the last ones only."""
    text, _ = render(dag(task("a"), before=((task("x"), task("y")), (task("z"),)), after=((task("v"),), (task("w"),))))

    assert lines(text) == [
        "x >> y >> kedro",
        "z >> kedro",
        "[*kedro] >> final",
        "[*kedro] >> v >> final",
        "[*kedro] >> w >> final",
    ]


def test_a_task_named_like_an_import_hides_nothing():
    """A task called as a class, a function or the DAG itself gets another variable."""
    text, _ = render(dag(task("dag"), task("demo", "dag"), task("kedro-", "demo"), task("EmptyOperator", "demo")))

    assert lines(text) == ["dag_ >> demo_", "demo_ >> [kedro_, EmptyOperator_]", "[*kedro] >> final"]


OBJECTS = (
    EMPTY,
    Ref("kedro_airflow_k8s.operators.node", "NodePodOperator"),
    Ref("kedro_airflow_k8s.operators.parameters", "variable"),
    Ref("kedro_airflow_k8s.operators.mlflow", "MLflowServer"),
    Ref("airflow.models", "Variable"),
    Ref("json", "dumps"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(OBJECTS),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        | st.builds(Call, st.sampled_from(OBJECTS), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2))
    ),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["one", "two"]), VALUES, max_size=2)


@given(ARGUMENTS, ARGUMENTS, ARGUMENTS, ARGUMENTS)
@settings(max_examples=60, deadline=None)
def test_no_file_imports_this_package(arguments, defaults, variables, kwargs):
    """Whatever a DAG names, anywhere in it: what is of this package is embedded, as Airflow does not have it."""
    spec = DagSpec(
        dag_id="demo",
        doc="",
        arguments=arguments,
        nodes=(TaskSpec("a", Call(EMPTY, kwargs)),),
        final=FINAL,
        defaults=defaults,
        locals={f"local_{name}": value for name, value in variables.items()},
    )

    text, _ = render(spec)

    modules = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in modules if module.startswith("kedro_airflow_k8s")}


def test_an_object_of_this_package_that_cannot_be_embedded_is_refused():
    """The file would fail in Airflow, which does not have the package."""
    with pytest.raises(ValueError, match=r"^kedro_airflow_k8s\.model is not made for Airflow"):
        render(dag(task("a"), locals={"x": Ref("kedro_airflow_k8s.model", "Ref")}))
