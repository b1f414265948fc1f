"""What kedro-mlflow is set to do in the project, read without importing it: that would cost seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project.configuration import read, written_files

KIND = "mlflow"
LOCAL = "local"
# What kedro-mlflow lets stand in its file for a name, another one each time.
_RANDOM_NAME = "km.random_name"


@dataclass(frozen=True)
class Tracking:
    """What kedro-mlflow does in a pod.

    `files` are its `mlflow.yml`, relative to the project, and `local_files` those of them that lie in `conf/local`.
    `experiment_options` are those by which it would make its experiment, `run_name` is how it calls a run, None for by
    the pipeline; `run_id` is a run that it would use instead of any other.
    """

    experiment: str
    tracking_uri: str | None = None
    files: tuple[str, ...] = ()
    local_files: tuple[str, ...] = ()
    experiment_options: Mapping[str, Any] = field(default_factory=dict)
    run_name: str | None = None
    run_id: str | None = None
    skipped_pipelines: tuple[str, ...] = ()

    @property
    def only_local(self) -> bool:
        """Whether there is a file, and none that is in an image of kedro-docker's."""
        return bool(self.files) and self.files == self.local_files


def tracking(metadata: Any, env: str) -> Tracking | None:
    """Return what kedro-mlflow does in a pod; None if it is not installed. Raises `ConfigError`."""
    from kedro.framework.project import settings

    # The plugin's name there is that of its distribution, which is the package's.
    if find_spec("kedro_mlflow") is None or "kedro_mlflow" in settings.DISABLE_HOOKS_FOR_PLUGINS:
        return None
    with _random_names():
        found = read(metadata, env, KIND)
    local = written_files(metadata, LOCAL, KIND)
    files = (found.files if found else ()) or local
    content = found.content if found else {}
    server, experiment, run = (
        _section(content, files, path) for path in ("server", "tracking.experiment", "tracking.run")
    )
    skipped = _section(content, files, "tracking.disable_tracking").get("pipelines") or ()
    options = _section(content, files, "tracking.experiment.create_experiment_kwargs")
    return Tracking(
        # As kedro-mlflow has it where its file names none.
        experiment=_text(experiment, "tracking.experiment.name", files) or metadata.package_name,
        tracking_uri=_text(server, "server.mlflow_tracking_uri", files),
        files=files,
        local_files=tuple(file for file in files if file in local),
        experiment_options={key: value for key, value in options.items() if value},
        run_name=_text(run, "tracking.run.name", files),
        run_id=_text(run, "tracking.run.id", files),
        skipped_pipelines=tuple(map(str, skipped)),
    )


def _section(content: Mapping[str, Any], files: tuple[str, ...], path: str) -> Mapping[str, Any]:
    for key in path.split("."):
        found = content.get(key)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise ConfigError(f"{', '.join(files)}: {path}: should be a section of keys and values, got {found!r}")
        content = found
    return content


def _text(section: Mapping[str, Any], path: str, files: tuple[str, ...]) -> str | None:
    value = section.get(path.rpartition(".")[2])
    if value is None or isinstance(value, str):
        return value or None
    raise ConfigError(f"{', '.join(files)}: {path}: should be text, got {value!r}")


@contextmanager
def _random_names() -> Iterator[None]:
    """Have no name where the file asks for a random one, which kedro-mlflow draws when a session begins."""
    from omegaconf import OmegaConf

    from kedro_airflow_k8s.image.loader import register

    ours = not OmegaConf.has_resolver(_RANDOM_NAME)
    if ours:
        register(_RANDOM_NAME, lambda: "")
    try:
        yield
    finally:
        # kedro-mlflow takes the one that is there for its own.
        if ours:
            OmegaConf.clear_resolver(_RANDOM_NAME)
