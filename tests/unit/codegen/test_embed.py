"""Operators cut out of their modules."""

import pytest

from kedro_airflow_k8s.codegen import embed as module
from kedro_airflow_k8s.codegen.embed import embed
from kedro_airflow_k8s.model import Ref

PACKAGE = module.PACKAGE


@pytest.fixture
def operators(tmp_path, monkeypatch):
    """Return a function that writes a module into a stand-in for the folder of operators."""
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._read.cache_clear()
    (tmp_path / "operators").mkdir()
    yield lambda name, text: (tmp_path / "operators" / f"{name}.py").write_text(text)
    module._read.cache_clear()


def test_what_an_operator_uses_comes_with_it(operators):
    """Bases, functions and constants come along before their users, with their comments; the rest stays behind."""
    operators("base", "import os\nfrom a import X\n\nLIMIT = 3\n\n# Why it is so.\nclass Base(X):\n    top = LIMIT\n")
    operators(
        "node",
        f"from {PACKAGE}.base import Base\n\ndef unused():\n    pass\n\ndef helper():\n    return 1\n\n"
        "class Node(Base):\n    def run(self):\n        return helper()\n",
    )

    found = embed([Ref(f"{PACKAGE}.node", "Node")])

    assert found.definitions == (
        "LIMIT = 3",
        "# Why it is so.\nclass Base(X):\n    top = LIMIT",
        "def helper():\n    return 1",
        "class Node(Base):\n    def run(self):\n        return helper()",
    )
    assert found.imports == (Ref("a", "X"),)
    assert found.names == {"LIMIT", "Base", "helper", "Node"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from a import b as c\n", "only plain absolute imports"),
        ("from a import *\n", "only plain absolute imports"),
        ("from . import b\n", "only plain absolute imports"),
        ("import a.b\n", "from ... import"),
        ("if True:\n    pass\n", "cannot be embedded: if True:"),
        (f"class Node:\n    def f(self):\n        from {PACKAGE}.b import c\n", "at the top of its module"),
    ],
)
def test_what_cannot_be_followed_is_refused(operators, text, reason):
    """Source that would lose something is an error, not a gap in the DAG file."""
    operators("node", text + "\n\nclass Node2:\n    pass\n")
    wanted = "Node" if "class Node:" in text else "Node2"

    with pytest.raises(ValueError, match=reason):
        embed([Ref(f"{PACKAGE}.node", wanted)])


def test_a_name_defined_twice_is_refused(operators):
    """Two modules cannot both bring a definition of the same name."""
    operators("one", "class Node:\n    pass\n")
    operators("two", "class Node:\n    pass\n")

    with pytest.raises(ValueError, match="both define Node"):
        embed([Ref(f"{PACKAGE}.one", "Node"), Ref(f"{PACKAGE}.two", "Node")])


def test_a_constant_of_the_contract_comes_along(operators, tmp_path):
    """What the workers and the user's machine must agree on is said once, also in the file."""
    (tmp_path / "contract.py").write_text('PREFIX = "x/"\nLABEL = f"{PREFIX}node"\nOTHER = 1\n')
    operators("node", "from kedro_airflow_k8s.contract import LABEL\n\nclass Node:\n    label = LABEL\n")

    found = embed([Ref(f"{PACKAGE}.node", "Node")])

    assert found.definitions == ('PREFIX = "x/"', 'LABEL = f"{PREFIX}node"', "class Node:\n    label = LABEL")
