"""Names of variables in the generated file."""

from hypothesis import given
from hypothesis import strategies as st

from kedro_airflow_k8s.codegen.names import identifiers


def test_names_are_free():
    """A task never hides a function, a keyword, a builtin or another task."""
    ids = ["train-model", "train_model", "class", "print", "dag", "1st", "---"]

    assert list(identifiers(ids, {"dag"}).values()) == [
        "train_model",
        "train_model_",
        "class_",
        "print_",
        "dag_",
        "task_1st",
        "task",
    ]


@given(st.lists(st.text(), unique=True))
def test_names_are_identifiers(ids):
    """Any ids give as many different identifiers, also after Python's own normalisation."""
    found = identifiers(ids, ()).values()

    scope = {}
    exec("".join(f"{name} = {number}\n" for number, name in enumerate(found)), scope)
    assert len(ids) == len([key for key in scope if key != "__builtins__"])
