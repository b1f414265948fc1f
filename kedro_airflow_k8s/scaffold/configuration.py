"""A project's first `airflow-k8s.yaml`: what it sets, and what stands above it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.scaffold.sample import sample

# Empty counts as absent: a command that needs neither does not need the variables.
HOST = "${airflow_url|}"
OUTPUT = "${airflow_dags|}"
_COMMENTED = (
    "# A '#' right before a key shows its default, a proposal, or what can stand below it; without the '#' it is set.\n"
)
_VARIABLES = (
    "# ${name|default} is the environment variable KEDRO_CONFIG_NAME or, if it is not set, what follows the '|'.\n"
)


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
    return Names(" ".join(project.split()) or package, dag, image)


def configuration(
    named: Names,
    folder: str,
    host: str | None,
    output: str | None,
    below: Mapping[str, Any] | None,
    *,
    variables: bool = True,
) -> str:
    """Return the text of a first `airflow-k8s.yaml` of `folder`.

    `below` is what the files of the base environment say if the file will be laid over them, None if it is one of them:
    of that the text sets only `host` and `output`, if they are given, and proposes a `run_name` of the environment's
    own. Without `variables`, for a project whose configuration cannot refer to the environment, it leaves out what
    would be a reference.
    """
    given = {key: value for key, value in {"host": host, "output": output}.items() if value}
    values: dict[str, Any] = {
        **({"host": HOST, "output": OUTPUT} if variables else {}),
        **given,
        "run_config": {
            "image": f"{named.image}:{'${commit_id|latest}' if variables else 'latest'}",
            "namespace": "default",
            "experiment_name": named.experiment.replace("${", "\\${"),
            "run_name": named.dag,
        },
    }
    proposed = dict[str, Any]()
    if below is None:
        about = "How kedro-airflow-k8s runs this project; the file of an environment is laid over it key by key"
    elif below:
        about = f"What {folder} sets otherwise than the base environment, key by key; lists are replaced"
        # In one Airflow the DAGs of two environments would otherwise be one.
        said = below.get("run_config")
        said = said if isinstance(said, Mapping) else {}
        own = f"{said.get('run_name') or named.dag}-{PurePosixPath(folder).name}"
        values["run_config"]["run_name"] = own
        values = {**_missing(values, below), **given}
        # What a file must have is there already.
        there = {key: said[key] for key in ("namespace", "experiment_name") if said.get(key) is not None}
        proposed = {"run_config": {**there, "run_name": own}}
    else:
        about = f"How kedro-airflow-k8s runs this project in the environment of {folder}"
    head = f"# {about}.\n#\n{_COMMENTED}{_VARIABLES if variables else ''}\n"
    return head + sample(PluginConfig, values, proposed=proposed, headers=not below)


def _missing(values: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not said, nor anything of what is no section there."""
    found = {}
    for key, value in values.items():
        if said.get(key) is None:
            found[key] = value
        elif isinstance(value, Mapping) and isinstance(said[key], Mapping):
            found[key] = _missing(value, said[key])
    return {key: value for key, value in found.items() if value != {}}
