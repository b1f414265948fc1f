"""The options of the commands: each is declared once, with the configuration key that it replaces."""

from __future__ import annotations

import functools
import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

import click
from click.core import ParameterSource

Command = TypeVar("Command", bound=Callable[..., Any])


def refuse_empty(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty value: it usually comes from an unset variable, and what is configured may be production's."""
    if value == "":
        raise click.BadParameter("should not be empty")
    return value


def _option(*names: str, replaces: str = "", recorded: bool = True, **settings: Any) -> Any:
    """Declare a field that is an option; the generated file records it if the file depends on it."""
    settings = {"callback": refuse_empty, **settings}
    return field(default=None, metadata={"click": (names, settings), "replaces": replaces, "recorded": recorded})


def _flag(name: str, *, replaces: str = "", recorded: bool = True, **settings: Any) -> Any:
    """Declare a field that is a flag; given, it sets the key that it replaces to false."""
    settings = {"is_flag": True, **settings}
    return field(default=False, metadata={"click": ((name,), settings), "replaces": replaces, "recorded": recorded})


@dataclass(frozen=True)
class Selection:
    """The project, as Kedro's `ProjectMetadata`, and the environment and the pipeline that a command works on.

    `env_given` tells that the command line names the environment, rather than a variable or a default.
    """

    metadata: Any
    env: str
    pipeline: str
    env_given: bool = False


@dataclass(frozen=True)
class BuildOptions:
    """What a command asks of the DAG that it compiles; an option that the command does not have is None or false."""

    command: str
    env: str
    pipeline: str
    output: str | None = _option(
        "-o",
        "--output",
        replaces="output",
        recorded=False,
        help="Where Airflow reads DAGs, a folder or a URL; replaces output.",
    )
    image: str | None = _option(
        "-i", "--image", replaces="run_config.image", help="Image that the tasks run; replaces run_config.image."
    )
    dag_name: str | None = _option(
        "-d", "--dag-name", help="Id of the DAG and name of its file; replaces run_config.run_name."
    )
    cron_expression: str | None = _option(
        "-c",
        "--cron-expression",
        replaces="run_config.cron_expression",
        help="Schedule of the DAG; replaces run_config.cron_expression.",
    )
    strict: bool = _flag("--strict", recorded=False, help="Make every warning an error.")
    allow_memory_datasets: bool = _flag(
        "--allow-memory-datasets", help="Let datasets pass in memory between tasks, which share none."
    )
    no_mlflow: bool = _flag(
        "--no-mlflow",
        replaces="run_config.mlflow.enabled",
        help="Start no MLflow run; replaces run_config.mlflow.enabled.",
    )

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The values that replace configured ones, by dotted key."""
        return {
            option.metadata["replaces"]: False if value is True else value
            for option, value in self._given()
            if option.metadata["replaces"]
        }

    @property
    def line(self) -> str:
        """The command line that asks for the same DAG again."""
        words = ["kedro", "airflow-k8s", f"--env={self.env}"]
        if self.pipeline != "__default__":
            words.append(f"--pipeline={self.pipeline}")
        words.append(self.command)
        for option, value in self._given():
            if option.metadata["recorded"]:
                name = option.metadata["click"][0][-1]
                words.append(name if value is True else f"{name}={value}")
        return shlex.join(words)

    def _given(self) -> Iterator[tuple[Field[Any], Any]]:
        values = ((option, getattr(self, option.name)) for option in fields(self) if option.metadata)
        return ((option, value) for option, value in values if value not in (None, False))


_DECLARED = {option.name: option.metadata["click"] for option in fields(BuildOptions) if option.metadata}


def build_option(name: str) -> Callable[[Command], Command]:
    """Return the click option of a field of `BuildOptions`."""
    names, settings = _DECLARED[name]
    return click.option(*names, name, **settings)


def compiles(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command those fields of `BuildOptions` as options, and those that every command has that compiles.

    The command is called with the `Selection`, the `BuildOptions`, and its own options by name.
    """
    names = (*names, "strict", "allow_memory_datasets", "no_mlflow")

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.pass_context
        @functools.wraps(command)
        def receive(ctx: click.Context, /, **values: Any) -> None:
            selected: Selection = ctx.obj
            given = {name: values.pop(name) for name in names}
            command(
                selected,
                BuildOptions(str(ctx.info_name), selected.env, selected.pipeline, **given),
                **values,
            )

        decorated: Callable[..., None] = receive
        for name in reversed(names):
            decorated = build_option(name)(decorated)
        return decorated

    return decorate


env = click.option(
    "-e",
    "--env",
    envvar="KEDRO_ENV",
    default="local",
    show_default=True,
    callback=refuse_empty,
    help="Configuration environment of Kedro.",
)
pipeline = click.option(
    "-p",
    "--pipeline",
    default="__default__",
    show_default=True,
    callback=refuse_empty,
    help="Name of the registered pipeline.",
)


DAGS = "dags/"


def _given(ctx: click.Context, parameter: click.Parameter, value: str) -> str | None:
    refuse_empty(ctx, parameter, value)
    return None if ctx.get_parameter_source(str(parameter.name)) is ParameterSource.DEFAULT else value


# None without the option: the default is a folder of the project, even if the command runs in a folder within it.
target_path = click.option(
    "-t",
    "--target-path",
    default=DAGS,
    show_default=True,
    callback=_given,
    help="Folder to write the file into.",
)


def _seconds(ctx: click.Context, parameter: click.Parameter, minutes: float | None) -> float | None:
    # NaN passes every check of a range.
    if minutes is not None and math.isnan(minutes):
        raise click.BadParameter("nan is no number of minutes")
    return None if minutes is None else 60 * minutes


# In seconds; None without the option, and endless if it has no value.
wait = click.option(
    "-w",
    "--wait-for-completion",
    "wait",
    type=click.FloatRange(min=0, min_open=True),
    is_flag=False,
    flag_value=math.inf,
    callback=_seconds,
    metavar="[MINUTES]",
    help="Wait for the end of the run, at most that many minutes if given, and show its tasks meanwhile.",
)
load_timeout = click.option(
    "--load-timeout",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Wait that long for Airflow to load the DAG.",
)
airflow_version = click.option(
    "--airflow-version",
    metavar="RELEASE",
    callback=refuse_empty,
    help="Release of Airflow, such as 2.11; the newest by default.",
)
list_format = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the list is written.",
)


def _address(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from kedro_airflow_k8s.config import address

    try:
        return value if value is None else address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


airflow_url = click.argument("airflow_url", required=False, callback=_address)
