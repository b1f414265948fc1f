"""Reading configuration with the project's own loader, without a Kedro context."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project.mistakes import emptied, mistake
from kedro_airflow_k8s.project.written import as_written

CONFIG = "airflow-k8s"
SANDBOX_CONFIG = "airflow-k8s-sandbox"
# Everything that begins so, but for the file of the sandbox: a pattern can say "not" of one character only.
_NAMES = [f"{SANDBOX_CONFIG[:end]}[!{SANDBOX_CONFIG[end]}]*" for end in range(len(CONFIG), len(SANDBOX_CONFIG))]
_PATTERNS = {
    CONFIG: [*_NAMES, f"{CONFIG}*/**", *(f"**/{name}" for name in _NAMES)],
    SANDBOX_CONFIG: [f"{SANDBOX_CONFIG}*"],
}
_LONGEST = 500


@dataclass(frozen=True)
class Source:
    """The merged but unchecked content of `airflow-k8s.yaml`, and the files it came from, relative to the project.

    `remark` is what the user should know of how they were read.
    """

    content: Mapping[str, Any]
    files: tuple[str, ...]
    remark: str | None = None


def source(metadata: Any, env: str) -> Source:
    """Read `airflow-k8s.yaml` of the environment over that of `conf/base`. Raises `ConfigError`."""
    found = read(metadata, env, CONFIG)
    if found is None:
        places = "conf/base" if env == "base" else f"conf/{env} or conf/base"
        raise ConfigError(f"no {CONFIG}.yaml in {places}; `kedro airflow-k8s init` writes one to start from")
    return found


def sandbox_source(metadata: Any) -> Source:
    """Read `airflow-k8s-sandbox.yaml` of the environment `local`, empty if there is none. Raises `ConfigError`."""
    from kedro.framework.project import settings

    there = (Path(metadata.project_path) / settings.CONF_SOURCE / "local").is_dir()
    return (read(metadata, "local", SANDBOX_CONFIG) if there else None) or Source({}, ())


def read(metadata: Any, env: str, kind: str) -> Source | None:
    """Return the configuration of that kind, such as `catalog`; None if there is none. Raises `ConfigError`."""
    with warnings.catch_warnings():
        # Kedro calls what OmegaConf 2.4 deprecates; every `kedro run` says so already.
        warnings.filterwarnings("ignore", message="register_new_resolver")
        return _source(metadata, env, kind)


def written_files(metadata: Any, env: str, kind: str) -> tuple[str, ...]:
    """Return the configuration files of that kind in the folder of one environment, relative to the project."""
    from kedro.framework.project import settings

    folder = Path(metadata.project_path) / settings.CONF_SOURCE / env
    return tuple(_short(file, metadata) for file in files_of(folder, kind))


def layered_files(metadata: Any, env: str, *kinds: str) -> tuple[str, ...]:
    """Return the files of those kinds that say anything, of the base environment and of that one."""
    from kedro.framework.project import settings

    conf = Path(metadata.project_path) / settings.CONF_SOURCE
    folders = dict.fromkeys([settings.CONFIG_LOADER_ARGS.get("base_env") or "base", env])
    found = (file for folder in folders for kind in kinds for file in files_of(conf / folder, kind))
    return tuple(_short(file, metadata) for file in found if _says_something(file, conf))


def _says_something(file: Path, conf: Path) -> bool:
    # Kedro passes over what is hidden, such as a notebook's copies.
    if any(part.startswith(".") for part in file.relative_to(conf).parts):
        return False
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def parts(metadata: Any) -> list[Path]:
    """Return where the project's code and configuration lie: what an image is made of, but for the files it makes."""
    from kedro.framework.project import settings

    path = Path(metadata.project_path)
    return [Path(metadata.source_dir) / metadata.package_name, path / settings.CONF_SOURCE, path / "pyproject.toml"]


def _source(metadata: Any, env: str, kind: str) -> Source | None:
    from kedro.config import MissingConfigException

    from kedro_airflow_k8s.image.loader import MissingVariable, stepping_aside

    loader = _config_loader(metadata, env)
    conf = Path(loader.conf_source)
    base = getattr(loader, "base_env", None) or "base"
    parts = PurePath(env).parts
    if not parts or ".." in parts or PurePath(env).is_absolute() or not os.path.isdir(conf / env):
        known = sorted(folder.name for folder in conf.glob("*/"))
        raise ConfigError(f"{_short(conf, metadata)}/{env}: no such environment; there are: {', '.join(known)}")
    folders = [conf / base] if env == base else [conf / base, conf / env]
    files = [file for folder in folders for file in files_of(folder, kind)]
    found = [_short(file, metadata) for file in files]
    try:
        content = loader[kind]
    except MissingConfigException:
        return None
    except MissingVariable as error:
        raise ConfigError(str(error)) from error
    except Exception as error:
        # A loader is a dict, and one of the project's own may answer as that does.
        if isinstance(error, KeyError) and error.args == (kind,):
            return None
        # OmegaConf, PyYAML and Kedro each have their own family of errors; all of them mean a wrong file.
        where = ", ".join(found) or f"{type(loader).__name__}[{kind!r}]"
        raise ConfigError(_why(files, kind, metadata) or f"{where}: {_cause(error, metadata)}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{type(loader).__name__}[{kind!r}] should be a mapping, got {type(content).__name__}")
    if kind in _PATTERNS and (empty := emptied(files)):
        file, key, other = empty
        raise ConfigError(
            f"{_short(file, metadata)}: {key}: has no value, and would drop the section of {_short(other, metadata)};"
            " leave the key out, or write null to drop it"
        )
    # For OmegaConf a file of nothing but a word has that word as a key without a value.
    wrong = _why(files, kind, metadata) if kind in _PATTERNS and None in content.values() else None
    if wrong:
        raise ConfigError(wrong)
    content = as_written(content, files) if kind in _PATTERNS else content
    return Source(content, tuple(found), stepping_aside(type(loader)))


def _why(files: Sequence[Path], kind: str, metadata: Any) -> str | None:
    wrong = mistake(files, layered=kind in _PATTERNS)
    return f"{_short(wrong[0], metadata)}: {wrong[1]}" if wrong else None


def _cause(error: Exception, metadata: Any) -> str:
    """Return what an error says; one of OmegaConf's has the key apart."""
    key = getattr(error, "full_key", None)
    text = one_line(error) if key is None else _visible(f"{key}: {str(error).splitlines()[0]}".removeprefix(": "))
    text = text.replace(f"{metadata.project_path}{os.sep}", "")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _config_loader(metadata: Any, env: str) -> Any:
    from kedro.framework.project import settings, validate_settings

    from kedro_airflow_k8s.image.loader import MissingVariable, install

    install()
    validate_settings()
    conf_source = str(Path(metadata.project_path) / settings.CONF_SOURCE)
    try:
        loader = settings.CONFIG_LOADER_CLASS(
            conf_source=conf_source, env=env, runtime_params=None, **settings.CONFIG_LOADER_ARGS
        )
    except MissingVariable as error:
        raise ConfigError(str(error)) from error
    except Exception as error:
        # A loader reads globals.yml as it is made, and may be of the project's own.
        reader = settings.CONFIG_LOADER_CLASS.__name__
        raise ConfigError(
            f"{reader} cannot read {_short(Path(conf_source), metadata)}: {_cause(error, metadata)}"
        ) from error
    for kind, patterns in _PATTERNS.items():
        # A loader that is none of Kedro's has its own way to know which files are of which kind.
        getattr(loader, "config_patterns", {}).setdefault(kind, patterns)
        getattr(loader, "merge_strategy", {}).setdefault(kind, "soft")
    if hasattr(loader, "_soft_merge"):
        # Kedro's own parses text that was resolved already, and so an escaped reference that has lost its backslash.
        loader._soft_merge = _merged
    # As kedro-mlflow does with its context, and merged as Kedro merges by default.
    getattr(loader, "config_patterns", {}).setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    return loader


def _merged(config: dict[str, Any], env_config: dict[str, Any], env_path: str | None = None) -> dict[str, Any]:
    """Lay an environment's configuration over that of the base, key by key in every section."""
    merged = dict(config)
    for key, value in env_config.items():
        below = merged.get(key)
        if {type(below), type(value)} == {dict, list}:
            raise ValueError(f"{key}: is a list in one environment and a section in the other")
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def files_of(folder: Path, kind: str) -> list[Path]:
    """Return the files of that kind: those whose name, or that of a folder they lie in, begins so."""
    others = SANDBOX_CONFIG if kind == CONFIG else "\0"
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in {".yml", ".yaml", ".json"}
        and file.is_file()
        and any(part.startswith(kind) and not part.startswith(others) for part in file.relative_to(folder).parts)
    )


def _short(path: Path, metadata: Any) -> str:
    return (
        path.relative_to(metadata.project_path).as_posix() if path.is_relative_to(metadata.project_path) else str(path)
    )


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line and with nothing invisible."""
    return _visible(" ".join(str(error).split())) or type(error).__name__


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
