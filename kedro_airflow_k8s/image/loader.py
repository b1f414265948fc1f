"""Lets Kedro's config loader read KEDRO_CONFIG_* variables, in every configuration file."""

from __future__ import annotations

import functools
import io
import os
import re
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path, PurePath
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from kedro_airflow_k8s.image import variables

_DISTRIBUTION = "kedro-airflow-k8s"
_resolved_again: ContextVar[bool] = ContextVar("_resolved_again", default=False)


class MissingVariable(InterpolationKeyError):
    """A `${name}` is neither a key of the configuration nor a variable; the text says where, and what to do."""


def stepping_aside(loader_class: type) -> str | None:
    """Return why a config loader of that class knows nothing of the variables, or None if it does."""
    if issubclass(loader_class, OmegaConfigLoader):
        return None
    return (
        f"{variables.PREFIX}* variables are not used in the configuration: CONFIG_LOADER_CLASS of settings.py is "
        f"{loader_class.__name__}, which is no OmegaConfigLoader"
    )


def register(name: str, resolver: Callable[..., Any]) -> None:
    """Register a resolver with OmegaConf, which must not have one of that name."""
    with warnings.catch_warnings():
        # OmegaConf 2.4 deprecates what is the only way in those before.
        warnings.simplefilter("ignore")
        OmegaConf.register_new_resolver(name, resolver)


def install() -> None:
    """Have every OmegaConfigLoader of this process put references to variables into OmegaConf's syntax as it reads.

    A loader reads globals.yml when it is made, before any hook could get hold of it: hence the class, not the object.
    """
    if not isinstance(vars(OmegaConfigLoader).get("_fs"), _Files):
        loader_class: Any = OmegaConfigLoader
        loader_class._fs = _Files()
        loader_class.__getitem__ = _explaining(loader_class.__getitem__)
        resolve = loader_class._resolve_environment_variables
        loader_class._resolve_environment_variables = staticmethod(_in_place(resolve))


class _Files:
    """The attribute of a config loader that holds its file system."""

    def __set__(self, loader: Any, files: Any) -> None:
        from kedro.framework.project import settings

        disabled = _DISTRIBUTION in settings.DISABLE_HOOKS_FOR_PLUGINS
        if not disabled and not OmegaConf.has_resolver(variables.RESOLVER):
            register(variables.RESOLVER, _resolve)
        vars(loader)["_fs"] = files if disabled else _Reader(files)


class _Reader:
    """A file system whose files come with their references to variables translated."""

    def __init__(self, files: Any) -> None:
        self._files = files
        self.opened: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == "_files":  # not there yet while an object is copied
            raise AttributeError(name)
        return getattr(self._files, name)

    def open(self, path: str, *arguments: Any, **options: Any) -> Any:
        """Open a file; to be read as bytes unless asked for otherwise, as the config loader does not."""
        if arguments or options:
            return self._files.open(path, *arguments, **options)
        self.opened.append(path)
        with self._files.open(path) as file:
            content: bytes = file.read()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return io.BytesIO(content)
        return io.BytesIO(variables.translated(text, variables.given(os.environ)).encode("utf-8"))


def _resolve(name: str, *default: Any) -> Any:
    return variables.value(variables.given(os.environ), name, *default, again=_resolved_again.get())


def _in_place(resolve: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what resolves a file of credentials, whose outcome Kedro then resolves as it does other kinds."""

    @functools.wraps(resolve)
    def resolving(config: Any) -> None:
        before = _resolved_again.set(True)
        try:
            resolve(config)
        finally:
            _resolved_again.reset(before)

    return resolving


def _explaining(getitem: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return the `__getitem__` of a config loader with an error of ours for a name that is nowhere."""

    @functools.wraps(getitem)
    def explaining(loader: Any, kind: str) -> Any:
        reader = vars(loader).get("_fs")
        if not isinstance(reader, _Reader):
            return getitem(loader, kind)
        reader.opened.clear()
        try:
            return getitem(loader, kind)
        except InterpolationKeyError as error:
            name = re.match(r"Interpolation key '([^.\[\]]+|[^|]+\|.*)' not found", str(error))
            if name is None:
                raise
            places = _places(loader.conf_source, reader, name[1])
            raise MissingVariable(_missing(name[1], str(error.full_key), places)) from error

    return explaining


def _places(conf_source: str, reader: _Reader, name: str) -> list[str]:
    found = []
    root = Path(conf_source).parent
    for path in reader.opened:
        with reader._files.open(path) as file:
            numbers = variables.lines(file.read().decode("utf-8-sig"), name)
        short = PurePath(path).relative_to(root) if PurePath(path).is_relative_to(root) else PurePath(path)
        if numbers:
            found.append(f"{short.as_posix()}, line {', '.join(map(str, numbers))}")
    return sorted(found)


def _missing(name: str, key: str, places: list[str]) -> str:
    problem = f"{' and '.join(places)}: {key}: ${{{name}}}" if places else f"{key}: ${{{name}}}"
    if not re.fullmatch(r"\w+", name, re.ASCII):
        return f"{problem}: only letters, digits and _ make the name of a variable, as in ${{name|default}}"
    lower = name.lower()
    return (
        f"{problem} is neither a key of this configuration nor a variable; "
        f"set {variables.PREFIX}{name.upper()} for ${{{lower}}}, or write a default, ${{{lower}|...}}"
    )
