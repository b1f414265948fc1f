"""Reading configuration with the project's own loader, without a Kedro context."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro_airflow_k8s.errors import ConfigError

CONFIG = "airflow-k8s"
SANDBOX_CONFIG = "airflow-k8s-sandbox"
# Everything that begins so, but for the file of the sandbox: a pattern can say "not" of one character only.
_NAMES = [f"{CONFIG}[!-]*", f"{CONFIG}-[!s]*", f"{CONFIG}-s[!a]*"]
_PATTERNS = {
    CONFIG: [*_NAMES, f"{CONFIG}*/**", *(f"**/{name}" for name in _NAMES)],
    SANDBOX_CONFIG: [f"{SANDBOX_CONFIG}*"],
}


@dataclass(frozen=True)
class Source:
    """The merged but unchecked content of `airflow-k8s.yaml`, and the files it came from, relative to the project."""

    content: Mapping[str, Any]
    files: tuple[str, ...]


def source(metadata: Any, env: str) -> Source:
    """Read `airflow-k8s.yaml` of the environment over that of `conf/base`. Raises `ConfigError`."""
    found = read(metadata, env, CONFIG)
    if found is None:
        places = "conf/base" if env == "base" else f"conf/{env} or conf/base"
        raise ConfigError(f"no {CONFIG}.yaml in {places}; the plugin's README shows one to start from")
    return found


def sandbox_source(metadata: Any) -> Source:
    """Read `airflow-k8s-sandbox.yaml` of the environment `local`, empty if there is none. Raises `ConfigError`."""
    return read(metadata, "local", SANDBOX_CONFIG) or Source({}, ())


def read(metadata: Any, env: str, kind: str) -> Source | None:
    """Return the configuration of that kind, such as `catalog`; None if there is none. Raises `ConfigError`."""
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
        raise ConfigError(f"{', '.join(found)}: {one_line(error)}") from error
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


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip()) or type(error).__name__
