"""Where in a project what belongs: its configuration's folders, and the git repository around it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project import git
from kedro_airflow_k8s.project.configuration import CONFIG, files_of
from kedro_airflow_k8s.project.git import Repository
from kedro_airflow_k8s.project.mistakes import mistake


@dataclass(frozen=True)
class Place:
    """A project, and the folder of its configuration in which a new `airflow-k8s.yaml` belongs.

    `there` are the files that are this already, in whatever spelling; `below` is what those of the base environment
    say, unresolved, and None where the folder is that of the base environment itself. `variables` tells whether the
    configuration can refer to KEDRO_CONFIG_* variables.
    """

    name: str
    package: str
    path: Path
    folder: Path
    there: tuple[Path, ...]
    below: Mapping[str, Any] | None
    variables: bool
    repository: Repository | None

    def short(self, file: Path) -> str:
        """Return the file's path as one says it within the project."""
        return str(file.relative_to(self.path)) if file.is_relative_to(self.path) else str(file)


def place(metadata: Any, env: str | None) -> Place:
    """Look at the project behind Kedro's `ProjectMetadata`; `env` is None for the base environment.

    Raises `ConfigError` if `env` cannot be the name of an environment.
    """
    from kedro.framework.project import settings, validate_settings

    from kedro_airflow_k8s.image.loader import stepping_aside

    validate_settings()
    path = Path(metadata.project_path)
    conf = path / settings.CONF_SOURCE
    base = settings.CONFIG_LOADER_ARGS.get("base_env") or "base"
    folder = conf / (base if env is None else env)
    if env is not None and not _possible(conf, env):
        raise ConfigError(f"{env!r} cannot be an environment, which is a folder in {settings.CONF_SOURCE}")
    return Place(
        name=metadata.project_name,
        package=metadata.package_name,
        path=path,
        folder=folder,
        there=tuple(files_of(folder, CONFIG)),
        below=None if folder == conf / base else _said(files_of(conf / base, CONFIG), path),
        variables=stepping_aside(settings.CONFIG_LOADER_CLASS) is None,
        repository=git.repository(path),
    )


def _possible(conf: Path, env: str) -> bool:
    parts = PurePath(env).parts
    # Bytes of a file's name that are no text in this locale may be some in another.
    if (
        not parts
        or ".." in parts
        or PurePath(env).is_absolute()
        or not env.encode(errors="ignore").decode().isprintable()
    ):
        return False
    try:
        (conf / env).lstat()
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True


def _said(files: list[Path], path: Path) -> dict[str, Any]:
    try:
        wrong = mistake(files, layered=True)
        if wrong:
            raise ConfigError(f"{wrong[0].relative_to(path)}: {wrong[1]}")
        contents = [yaml.safe_load(file.read_text(encoding="utf-8-sig")) for file in files]
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error
    return {key: value for content in contents for key, value in (content or {}).items()}
