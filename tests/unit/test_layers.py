"""The layers of the package, as design/architecture.md draws them."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "kedro_airflow_k8s"
BOTTOM = {"", "addresses", "contract", "errors", "terminal"}
ALLOWED = {
    "cli": {
        "airflow",
        "build",
        "config",
        "delivery",
        "errors",
        "init",
        "listing",
        "options",
        "run",
        "sandbox",
        "terminal",
    },
    "run": {"airflow", "build", "delivery", "model", "watch"} | BOTTOM,
    "build": {"codegen", "config", "errors", "model", "options", "plan", "project"},
    "options": {"config"},
    "init": {"config", "delivery", "files", "project", "scaffold"} | BOTTOM,
    "scaffold": {"config", "scaffold"} | BOTTOM,
    "plan": {"config", "model", "plan", "project"} | BOTTOM,
    "codegen": {"codegen", "contract", "model"},
    "delivery": {"files", "model"} | BOTTOM,
    "files": set(),
    "config": {"config"} | BOTTOM,
    "project": {"dockerignore", "image", "project"} | BOTTOM,
    "dockerignore": BOTTOM,
    "image": {"contract", "image"},
    "airflow": {"airflow", "model"} | BOTTOM,
    "watch": {"airflow"} | BOTTOM,
    "listing": {"airflow", "terminal"},
    "sandbox": {"airflow", "build", "config", "dockerignore", "model", "run", "sandbox"} | BOTTOM,
    "operators": {"contract", "operators"},
    "model": set(),
    "errors": set(),
    "addresses": set(),
    "contract": set(),
    "terminal": set(),
    "": set(),
}
# The rooms of the sandbox, and within the cluster the rooms that are below another.
SANDBOX = {
    "sandbox.airflow": {"errors", "model", "sandbox.airflow", "sandbox.cluster.processes"},
    "sandbox.cluster": {"sandbox.cluster"},
    "sandbox.cluster.objects": {"sandbox.cluster.objects"},
    "sandbox.cluster.settings": set(),
    "sandbox.cluster.control": {f"sandbox.cluster.{name}" for name in ("control", "objects", "settings")},
    "sandbox.cluster.pod": {f"sandbox.cluster.{name}" for name in ("control", "image", "objects", "pod", "processes")},
    "sandbox.cluster.kubelet": {
        f"sandbox.cluster.{name}" for name in ("control", "image", "objects", "pod", "settings")
    },
    "sandbox.cluster.api": {
        f"sandbox.cluster.{name}" for name in ("api", "control", "kubelet", "objects", "pod", "settings")
    },
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names if node.module == PACKAGE.name else {node.module}


def ours(file):
    """Yield what a module imports of this package, each with the module it comes from."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE.name:
            module = node.module.removeprefix(PACKAGE.name).lstrip(".")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layer(file):
    first = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_modules_import_only_layers_below(file):
    """No module imports upwards or sideways, nor Airflow, nor (outside project/ and image/) Kedro."""
    found = set(imports(file))
    ours = {name.split(".")[1] for name in found if name.startswith(PACKAGE.name + ".")}
    ours = {"" if name == "__version__" else name for name in ours}
    theirs = {name.split(".")[0] for name in found}

    assert ours <= ALLOWED[layer(file)]
    if layer(file) not in {"project", "image"}:
        assert "kedro" not in theirs
    if layer(file) != "operators":
        assert not theirs & {"airflow", "kubernetes"}


@pytest.mark.parametrize("room", SANDBOX)
def test_rooms_of_the_sandbox_import_only_rooms_below(room):
    """The emulated cluster knows nothing of the rest of the package, and no two of its rooms import each other."""
    file = PACKAGE / f"{room.replace('.', '/')}.py"
    found = {name for module in (*file.with_suffix("").rglob("*.py"), file) if module.exists() for name in ours(module)}

    assert set() == {name for name in found if not f"{name}.".startswith(tuple(f"{to}." for to in SANDBOX[room]))}


def test_operators_import_what_airflow_has():
    """Operators import Airflow, kubernetes, requests, urllib3 and the standard library, and Google's login."""
    import sys

    found = {
        name.split(".")[0] for file in (PACKAGE / "operators").glob("*.py") for name in imports(file)
    } - sys.stdlib_module_names

    assert found <= {"airflow", "croniter", "google", "jinja2", "kubernetes", "requests", "urllib3", PACKAGE.name}
