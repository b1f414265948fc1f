"""The sample `airflow-k8s.yaml`: all of the model, readable, and of no effect where it sets nothing."""

import importlib.resources
import json
import re
from typing import Annotated, Literal

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import Field

from kedro_airflow_k8s.config import load
from kedro_airflow_k8s.config.keys import described, inner
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.sections import PluginConfig
from kedro_airflow_k8s.scaffold.sample import sample

RUN = {"image": "demo:1", "namespace": "default", "experiment_name": "Demo"}
VALUES = {"host": "http://127.0.0.1:8080", "run_config": RUN}


def uncommented(text):
    """Take the `#` away from keys and from what is below them; the `#` of a text has one space behind it."""
    return re.sub(r"^( *)#(?! \S)", r"\1", text, flags=re.MULTILINE)


def every_key(section, path=""):
    for key in described(section):
        yield f"{path}{key}"
        for below in inner(section.model_fields[key].annotation):
            yield from every_key(below, f"{path}{key}.")


def test_what_is_set_is_all_that_the_file_says():
    """The sample is the configuration of the values alone; a section of which nothing is set is its default."""
    read = yaml.safe_load(sample(PluginConfig, VALUES))

    assert load(VALUES, ["sample"]) == load(read, ["sample"])


def test_an_editor_has_nothing_to_say():
    """The JSON schema of the package accepts the sample, with references to the environment in it."""
    schema = importlib.resources.files("kedro_airflow_k8s.config").joinpath("airflow-k8s.schema.json")
    values = {"host": "${airflow_url|}", "run_config": {**RUN, "image": "demo:${commit_id|latest}"}}

    Draft202012Validator(json.loads(schema.read_text("utf-8"))).validate(yaml.safe_load(sample(PluginConfig, values)))


def test_every_key_is_there_with_its_meaning():
    """Each key of the model, at any depth, stands below the text that the reference has of it."""
    text = sample(PluginConfig, VALUES)
    words = " ".join(re.sub(r"^[ #]+", "", text, flags=re.MULTILINE).split())
    keys = [*every_key(PluginConfig)]

    assert len(keys) > 40
    for path in keys:
        assert re.search(rf"^[ #-]*{path.rpartition('.')[2]}:", text, re.MULTILINE), path
    for section in (PluginConfig, *inner(PluginConfig.model_fields["run_config"].annotation)):
        for _, meaning in described(section).values():
            assert meaning in words


@pytest.mark.parametrize("key", ["image_pull_policy", "cron_expression", "start_date", "size", "access_modes"])
def test_a_key_without_its_hash_sets_its_default(key):
    """What a line shows behind its `#` is valid and the default: to try another value one needs no more than that."""
    text, count = re.subn(rf"^( *)#({key}: )", r"\1\2", sample(PluginConfig, VALUES), flags=re.MULTILINE)
    read = yaml.safe_load(text)

    assert 1 == count
    assert key in {**read["run_config"], **(read["run_config"]["volume"] or {})}
    assert load(VALUES, ["sample"]) == load(read, ["sample"])


def test_all_keys_without_their_hash_lack_only_what_is_required():
    """All examples at once are YAML in the right places, with nothing to fill in but what has no default."""
    text = uncommented(sample(PluginConfig, VALUES))
    for key, value in {"secret": "s", "dag_id": "d", "params": "[MLFLOW_TRACKING_TOKEN]"}.items():
        text = text.replace(f"{key}:  # required", f"{key}: {value}")
    read = yaml.safe_load(text)

    config = load(read, ["sample"]).run_config
    assert ("s", "d") == (config.secrets[0].secret, config.external_dependencies[0].dag_id)
    assert {"NAME"} == {*config.resources}


def test_lines_are_short_and_blocks_apart():
    """A comment is at most 100 characters wide, no line ends in a space, and no two lines are empty in a row."""
    lines = sample(PluginConfig, VALUES).splitlines()

    assert max(map(len, lines)) <= 100
    assert [line.rstrip() for line in lines] == lines
    assert "\n\n\n" not in "\n".join(lines)


def test_laid_over_another_file_it_says_nothing_of_what_it_does_not_set():
    """Without headers a section in which nothing is set is no null that would wipe out the section below it."""
    assert {"host": "http://x"} == yaml.safe_load(sample(PluginConfig, {"host": "http://x"}, headers=False))


@pytest.mark.parametrize(("values", "headers"), [(VALUES, True), ({}, False)])
def test_what_is_proposed_stands_in_the_place_of_the_default(values, headers):
    """It is commented out as a default is, whether anything of its section is set or not."""
    text = sample(PluginConfig, values, proposed={"run_config": {"run_name": "mine"}}, headers=headers)

    assert re.search(r"^ *# *run_name: mine$", text, re.MULTILINE)
    assert (yaml.safe_load(text) or {}).get("run_config", {}).get("run_name") is None


def test_a_value_from_the_environment_names_its_variable():
    """One sees which variable to set."""
    text = sample(PluginConfig, {**VALUES, "host": "${airflow_url|}"})

    assert "\nhost: ${airflow_url|}  # from KEDRO_CONFIG_AIRFLOW_URL\n" in text


class Nobody(Section):
    """No kind of its own."""

    type: Literal["Nobody"] = "Nobody"
    """Which kind."""


class Someone(Section):
    """A kind with a key."""

    type: Literal["Someone"]
    """Which kind."""
    name: str
    """Who it is."""


class Leaf(Section):
    """What is inside."""

    size: int = 3
    """How large."""


class Tree(Section):
    """Sections in every way that a section can be inside another."""

    who: Annotated[Nobody | Someone, Field(discriminator="type")] = Nobody()
    """Who."""
    one: Leaf = Leaf()
    """One."""
    perhaps: Leaf | None = None
    """Perhaps."""
    some: tuple[Leaf, ...] = ()
    """Some."""
    named: dict[str, Leaf] = Field(default={})
    """By name."""


def test_sections_in_every_way():
    """Of several kinds each is shown, a list has an entry, a map a name; a section of its own stands there."""
    expected = """\
# One.
one:
  # How large.
  size: 4

# Who.
#who:
#  # Which kind.
#  type: Nobody
# or
#who:
#  # Which kind.
#  type: Someone
#  # Who it is.
#  name:  # required

# Perhaps.
#perhaps:
#  # How large.
#  size: 3

# Some.
#some:
#  # How large.
#  - size: 3

# By name.
#named:
#  NAME:
#    # How large.
#    size: 3
"""

    assert expected == sample(Tree, {"one": {"size": 4}})
