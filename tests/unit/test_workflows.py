"""The project's own workflows on GitHub: valid, with no more rights than they need."""

import importlib.util
import json
import re
import runpy
import subprocess
import sysconfig
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SOURCE = '__version__ = "1.2.3"\n'
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n### Added\n\n- A.\n\n## [1.2.0]\n\n- B.\n"


@pytest.fixture(scope="module")
def notes():
    return runpy.run_path(str(ROOT / ".github/release_notes.py"))["notes"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_it_follows_the_schema_of_github(file):
    (package,) = importlib.util.find_spec("check_jsonschema").submodule_search_locations
    schema = json.loads((Path(package) / "builtin_schemas/vendor/github-workflows.json").read_text(encoding="utf-8"))
    content = yaml.safe_load(file.read_text(encoding="utf-8"))

    # For PyYAML, which reads YAML 1.1, the key `on` is a boolean.
    content = {"on" if key is True else key: value for key, value in content.items()}

    jsonschema.Draft7Validator(schema).validate(content)


def test_zizmor_finds_nothing(tmp_path):
    settings = tmp_path / "zizmor.yaml"
    settings.write_text("rules: {unpinned-uses: {config: {policies: {'*': ref-pin}}}}", encoding="utf-8")
    command = [f"{sysconfig.get_path('scripts')}/zizmor", "--offline", "--config", settings, *WORKFLOWS]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_action_has_the_same_version_everywhere():
    """In the project's own workflows and in those that `init` writes."""
    files = [*WORKFLOWS, *(ROOT / "kedro_airflow_k8s/scaffold").glob("*.j2")]
    versions = {}
    for file in files:
        for action, version in re.findall(r"uses: ([\w./-]+)@(\S+)", file.read_text(encoding="utf-8")):
            versions.setdefault(action, set()).add(version)

    assert {} == {action: found for action, found in versions.items() if len(found) > 1}


def test_the_release_notes_are_the_section_of_the_version(notes):
    assert notes("v1.2.3", SOURCE, CHANGELOG) == "### Added\n\n- A.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        ("v1.2.4", CHANGELOG, "the tag is v1.2.4, and __version__ is 1.2.3; make them equal"),
        (
            "v1.2.3",
            "## [Unreleased]\n",
            "CHANGELOG.md has no entries under ## [1.2.3]; add that section before the tag",
        ),
        (
            "v1.2.3",
            "## [1.2.3]\n\n## [1.2.0]\n\n- That.\n",
            "CHANGELOG.md has no entries under ## [1.2.3]; add that section before the tag",
        ),
    ],
)
def test_a_tag_without_its_version_or_section_is_no_release(notes, tag, changelog, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        notes(tag, SOURCE, changelog)
