"""What setup.cfg demands is what the package imports."""

import ast
import configparser
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kedro_airflow_k8s"
# Distributions whose module is called otherwise, and modules that are there because another distribution is.
MODULES = {"pyyaml": "yaml", "google-auth": "google"}
COME_WITH = {"omegaconf": "kedro", "pydantic_core": "pydantic", "urllib3": "requests"}
# fsspec imports these by the scheme of an address, operators in Airflow's own environment.
BY_NAME = {"gcsfs", "google", "s3fs"}


def imported(folders):
    """Return the modules of others that the package's modules import, but for those that run inside Airflow."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        part = file.relative_to(PACKAGE).parts[0]
        if part != "operators" and (part == "sandbox") == ("sandbox" in folders):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found.add(node.module.partition(".")[0])
    return {COME_WITH.get(name, name) for name in found - {*sys.stdlib_module_names, PACKAGE.name}}


def demanded(section, key):
    """Return the modules that the distributions in a list of setup.cfg are imported as."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    names = [re.split(r"[^\w-]", line)[0] for line in settings[section][key].split("\n") if line and line[0] != "#"]
    return {MODULES.get(name, name) for name in names}


def test_every_requirement_is_imported_and_every_import_required():
    """A requirement that nothing imports is a burden, an import that is not required an error on somebody's machine."""
    assert demanded("options", "install_requires") == imported({"all but the sandbox"})


def test_the_sandbox_imports_its_extra():
    """The sandbox needs its extra beside what is always there, and all of it."""
    extra = demanded("options.extras_require", "sandbox")

    assert extra == imported({"sandbox"}) - demanded("options", "install_requires")


def test_the_other_extras_are_what_is_imported_by_name():
    """Storages are imported by the scheme of an address."""
    assert demanded("options.extras_require", "aws") | demanded("options.extras_require", "gcp") == BY_NAME
