"""The workflows of GitHub Actions that `init` writes: one for each push to a branch, one for what is merged."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined

from kedro_airflow_k8s import __version__

FOLDER = ".github/workflows"
_EXTRAS = {"gs": "[gcp]", "gcs": "[gcp]", "s3": "[aws]", "s3a": "[aws]"}


@dataclass(frozen=True)
class Pipeline:
    """What the workflows are about: the project's image without a registry and a tag, its DAG, and where both are.

    `folder` is the project's folder within the repository, empty for the repository itself; `branch` is the branch that
    others are merged to, `env` the environment of Kedro, empty for the default, and `output` where Airflow reads DAGs.
    """

    image: str
    dag: str
    folder: str
    branch: str
    env: str
    output: str


def workflows(pipeline: Pipeline) -> dict[str, str]:
    """Return the text of each workflow by its name."""
    others, merged = f"a push to any branch but {pipeline.branch}", f"what is merged to {pipeline.branch}"
    about = {
        "on-push": f"On {others}: build the image, push it, and run the pipeline once; the job ends as the run does.",
        "on-merge-to-main": f"On {merged}: build the image, push it, and schedule the pipeline with it.",
    }
    return {name: _render(pipeline, name, text) for name, text in about.items()}


def _render(pipeline: Pipeline, name: str, about: str) -> str:
    # GitHub has {{ }} for itself.
    jinja = Environment(
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    jinja.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    source = resources.files(__package__).joinpath("workflow.yml.j2").read_text(encoding="utf-8")
    once = name == "on-push"
    return jinja.from_string(source).render(
        vars(pipeline),
        name=name,
        about=about,
        once=once,
        job="run-once" if once else "schedule",
        requirements=f"{pipeline.folder}/requirements.txt".lstrip("/"),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        plugin=f"kedro-airflow-k8s{_extras(pipeline.output)}>={__version__},<{int(__version__.split('.')[0]) + 1}",
    )


def _extras(output: str) -> str:
    scheme, there, _ = output.partition("://")
    # What the environment will say may be any.
    return _EXTRAS.get(scheme.lower(), "") if there or "${" not in output else "[aws,gcp]"
