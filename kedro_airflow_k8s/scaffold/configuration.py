"""A project's first `airflow-k8s.yaml`: what it sets, and what stands above it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.scaffold.sample import sample

# Empty counts as absent, so that what needs neither does not need the variables.
HOST = "${airflow_url|}"
OUTPUT = "${airflow_dags|}"
_NOTES = """\
#
# A '#' right before a key shows the key's default, or what can stand below it: take the '#' away to set the key.
# ${name|default} is the environment variable KEDRO_CONFIG_NAME or, if it is not set, what follows the '|'.
"""


@dataclass(frozen=True)
class Names:
    """How a project's experiment, DAG and image are called; the image without a registry and a tag."""

    experiment: str
    dag: str
    image: str


def names(project: str, package: str) -> Names:
    """Return valid names that are as near to those of the project and its package as can be."""
    dag = re.sub(r"[\W_]+", "-", project.lower()).strip("-") or package
    image = re.sub(r"[^a-z0-9]+", "_", package.lower()).strip("_") or "pipeline"
    return Names(project, dag, image)


def configuration(named: Names, folder: str, host: str, output: str, below: Mapping[str, Any]) -> str:
    """Return the text of a first `airflow-k8s.yaml` of `folder`.

    `below` is what the files say that this one will be laid over: that is set here only if it is given for this file,
    as `host` and `output` are where they are no references to the environment.
    """
    values = {
        "host": host,
        "output": output,
        "run_config": {
            "image": f"{named.image}:${{commit_id|latest}}",
            "namespace": "default",
            "experiment_name": named.experiment.replace("${", "\\${"),
            "run_name": named.dag,
        },
    }
    if not below:
        head = (
            "# How kedro-airflow-k8s runs this project. A file of this name in another environment is laid over it.\n"
        )
        return f"{head}{_NOTES}\n{sample(PluginConfig, values)}"
    given = {key: value for key, value in {"host": host, "output": output}.items() if value not in {HOST, OUTPUT}}
    head = (
        f"# What {folder} sets otherwise than the base environment: sections are merged key by key, lists replaced.\n"
    )
    return f"{head}{_NOTES}\n{sample(PluginConfig, {**_missing(values, below), **given}, headers=False)}"


def _missing(values: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not said, nor anything of what is no section there."""
    found = {}
    for key, value in values.items():
        if key not in said:
            found[key] = value
        elif isinstance(value, Mapping) and isinstance(said[key], Mapping):
            found[key] = _missing(value, said[key])
    return {key: value for key, value in found.items() if value != {}}
