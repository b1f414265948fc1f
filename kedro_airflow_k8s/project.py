"""The Kedro project as the plugin sees it; the only module that knows Kedro's API."""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any

from kedro_airflow_k8s.errors import ConfigError, ProjectError

CONFIG = "airflow-k8s"
SANDBOX_CONFIG = "airflow-k8s-sandbox"
DEFAULT_PIPELINE = "__default__"
# Everything that begins so, but for the file of the sandbox: a pattern can say "not" of one character only.
_NAMES = [f"{CONFIG}[!-]*", f"{CONFIG}-[!s]*", f"{CONFIG}-s[!a]*"]
_PATTERNS = {
    CONFIG: [*_NAMES, f"{CONFIG}*/**", *(f"**/{name}" for name in _NAMES)],
    SANDBOX_CONFIG: [f"{SANDBOX_CONFIG}*"],
}


@dataclass(frozen=True)
class Node:
    """A node of the pipeline; `upstream` are the names of the nodes whose output it reads, in pipeline order."""

    name: str
    tags: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    """The commit that is checked out; `when` is its committer's date in UTC."""

    sha: str
    when: datetime


@dataclass(frozen=True)
class Project:
    """A Kedro project with one of its pipelines, in one environment.

    `selection` is the value of `kedro run --pipeline` by which a pod finds the nodes, or None for no such option.
    """

    name: str
    package: str
    path: Path
    env: str
    pipeline: str
    nodes: tuple[Node, ...]
    selection: str | None = None
    commit: Commit | None = None
    workdir: PurePosixPath | None = None


@dataclass(frozen=True)
class Source:
    """The merged but unchecked content of `airflow-k8s.yaml`, and the files it came from, relative to the project."""

    content: Mapping[str, Any]
    files: tuple[str, ...]


def load(metadata: Any, env: str, pipeline: str) -> Project:
    """Load the project behind Kedro's `ProjectMetadata` with the pipeline of that name.

    Creates no Kedro context: its hooks contact other systems. Raises `ProjectError`.
    """
    nodes, selection = _pipeline(pipeline)
    return Project(
        name=metadata.project_name,
        package=metadata.package_name,
        path=metadata.project_path,
        env=env,
        pipeline=pipeline,
        nodes=nodes,
        selection=selection,
        commit=_commit(metadata.project_path),
        workdir=_workdir(metadata.project_path),
    )


def source(metadata: Any, env: str) -> Source:
    """Read `airflow-k8s.yaml` of the environment over that of `conf/base`. Raises `ConfigError`."""
    found = _read(metadata, env, CONFIG)
    if found is None:
        places = "conf/base" if env == "base" else f"conf/{env} or conf/base"
        raise ConfigError(f"no {CONFIG}.yaml in {places}; the plugin's README shows one to start from")
    return found


def sandbox_source(metadata: Any) -> Source:
    """Read `airflow-k8s-sandbox.yaml` of the environment `local`, empty if there is none. Raises `ConfigError`."""
    return _read(metadata, "local", SANDBOX_CONFIG) or Source({}, ())


def _read(metadata: Any, env: str, kind: str) -> Source | None:
    with warnings.catch_warnings():
        # Kedro calls what OmegaConf 2.4 deprecates; every `kedro run` says so already.
        warnings.filterwarnings("ignore", message="register_new_resolver")
        return _source(metadata, env, kind)


def _source(metadata: Any, env: str, kind: str) -> Source | None:
    from kedro.config import MissingConfigException

    loader = _config_loader(metadata, env)
    conf = Path(loader.conf_source)
    base = getattr(loader, "base_env", None) or "base"
    if not (conf / env).is_dir():
        known = sorted(folder.name for folder in conf.glob("*/"))
        raise ConfigError(f"{_short(conf / env, metadata)}: no such environment; there are: {', '.join(known)}")
    folders = [conf / base] if env == base else [conf / base, conf / env]
    found = [_short(file, metadata) for folder in folders for file in _files(folder, kind)]
    try:
        content = loader[kind]
    except MissingConfigException:
        return None
    except Exception as error:
        # OmegaConf, PyYAML and Kedro each have their own family of errors; all of them mean a wrong file.
        raise ConfigError(f"{', '.join(found)}: {_first_lines(error)}") from error
    return Source(content, tuple(found))


def _config_loader(metadata: Any, env: str) -> Any:
    from kedro.framework.project import settings, validate_settings

    validate_settings()
    conf_source = str(Path(metadata.project_path) / settings.CONF_SOURCE)
    loader = settings.CONFIG_LOADER_CLASS(
        conf_source=conf_source, env=env, runtime_params=None, **settings.CONFIG_LOADER_ARGS
    )
    for kind, patterns in _PATTERNS.items():
        loader.config_patterns.setdefault(kind, patterns)
        loader.merge_strategy.setdefault(kind, "soft")
    return loader


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob(f"{kind}*")
        if file.suffix in {".yml", ".yaml", ".json"} and (kind != CONFIG or not file.name.startswith(SANDBOX_CONFIG))
    )


def _short(path: Path, metadata: Any) -> str:
    return (
        path.relative_to(metadata.project_path).as_posix() if path.is_relative_to(metadata.project_path) else str(path)
    )


def _first_lines(error: BaseException) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip()) or type(error).__name__


def _pipeline(name: str) -> tuple[tuple[Node, ...], str | None]:
    from kedro.framework.project import pipelines

    with _import_failures():
        known = sorted(pipelines)
        if name not in known:
            raise ProjectError(f"no pipeline {name!r} in this project; there are: {', '.join(known)}")
        pipeline = pipelines[name]
        if not pipeline.nodes:
            raise ProjectError(f"pipeline {name!r} has no nodes; check its registration in pipeline_registry.py")
        position = {node: number for number, node in enumerate(pipeline.nodes)}
        dependencies = pipeline.node_dependencies
        nodes = tuple(
            Node(
                node.name,
                tuple(sorted(node.tags)),
                tuple(parent.name for parent in sorted(dependencies[node], key=position.__getitem__)),
            )
            for node in position
        )
    return nodes, _selection(pipelines, name)


def _selection(pipelines: Any, name: str) -> str | None:
    """Return by which value of `--pipeline` a pod's `kedro run` finds the nodes, None for no such option.

    Since Kedro 1.5 the option imports the package of that name only, which misses a pipeline composed in the registry.
    Without the option everything is loaded, which serves when `__default__` has the same nodes.
    """
    if name == DEFAULT_PIPELINE:
        return None
    wanted = set(pipelines[name].nodes)
    if not hasattr(pipelines, "set_requested") or _loads_alone(pipelines, name, wanted):
        return name
    if DEFAULT_PIPELINE in pipelines and wanted <= set(pipelines[DEFAULT_PIPELINE].nodes):
        return None
    raise ProjectError(
        f"pipeline {name!r} is composed in pipeline_registry.py, where `kedro run --pipeline={name}` of this Kedro does"
        f" not find all of its nodes; add them to {DEFAULT_PIPELINE!r} too, or make it a package in pipelines/"
    )


def _loads_alone(pipelines: Any, name: str, wanted: set[Any]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipelines.set_requested([name])
            return wanted == set(pipelines[name].nodes)
    except Exception:
        # Whatever goes wrong here would go wrong in the pod, where it costs a run.
        return False
    finally:
        pipelines.set_requested(None)


@contextmanager
def _import_failures() -> Iterator[None]:
    """Make an error of a pipeline module that fails to import; Kedro may only warn, and go on with fewer nodes."""
    failure: Exception | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except ProjectError:
            raise
        except Exception as error:
            failure = error
    for warning in caught:
        found = re.match(r"An error occurred while importing the '(.+?)' module", str(warning.message))
        if found:
            last = str(warning.message).strip().splitlines()[-1]
            raise ProjectError(f"pipeline module {found[1]} cannot be imported: {last}") from failure
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if failure:
        cause: BaseException = failure
        while cause.__cause__ or cause.__context__:
            cause = cause.__cause__ or cause.__context__ or cause
        raised = cause.__traceback__
        while raised and raised.tb_next:
            raised = raised.tb_next
        place = f" ({raised.tb_frame.f_code.co_filename}, line {raised.tb_lineno})" if raised else ""
        raise ProjectError(
            f"the project's pipelines cannot be loaded: {type(cause).__name__}: {_first_lines(cause)}{place}"
        ) from failure


def _commit(path: Path) -> Commit | None:
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", "-C", str(path), "show", "--no-patch", "--format=%H %ct", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        sha, seconds = answer.stdout.split()
        return Commit(sha, datetime.fromtimestamp(int(seconds), timezone.utc))
    except (OSError, subprocess.SubprocessError, ValueError):
        # No git, no repository, no commit yet: the DAG then says so (`UNKNOWN`).
        return None


def _workdir(path: Path) -> PurePosixPath | None:
    """Return the folder that the project's Dockerfile ends in, or None if it names none or only by a variable."""
    try:
        text = (path / "Dockerfile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    folder = PurePosixPath("/")
    named = False
    for match in re.finditer(r"^[ \t]*(FROM|WORKDIR)[ \t]+(.+?)[ \t]*$", text, re.IGNORECASE | re.MULTILINE):
        if match[1].upper() == "FROM":
            folder, named = PurePosixPath("/"), False
        else:
            folder, named = folder / match[2].strip("\"'"), True
    return folder if named and "$" not in str(folder) else None
