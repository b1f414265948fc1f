"""The commands: each parses its options, calls one function and prints what came of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from kedro_airflow_k8s.errors import KedroAirflowK8sError

if TYPE_CHECKING:
    from kedro_airflow_k8s.airflow import AirflowClient, Run
    from kedro_airflow_k8s.build import Build
    from kedro_airflow_k8s.run import Wait

Command = TypeVar("Command", bound=Callable[..., Any])
UNTIL_IT_ENDS = math.inf


class Group(click.Group):
    """Ends with the exit code of an error of ours, and with 130 when interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke the command."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.ctx is None or error.option_name not in {name for option in self.params for name in option.opts}:
                raise
            line = f"{ctx.command_path} {error.option_name} NAME {error.ctx.info_name}"
            raise click.UsageError(f"{error.option_name} belongs before the command: `{line}`", ctx=error.ctx) from None
        except KedroAirflowK8sError as error:
            click.ClickException(str(error)).show()
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)


@click.group()
def commands() -> None:  # noqa: D103 - Kedro would print a docstring as its own help
    pass


@commands.group(
    name="airflow-k8s",
    cls=Group,
    help="Run the project's pipelines on Airflow, each node in a Kubernetes pod.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-e", "--env", envvar="KEDRO_ENV", default="local", show_default=True, help="Configuration environment of Kedro."
)
@click.option("-p", "--pipeline", default="__default__", show_default=True, help="Name of the registered pipeline.")
def airflow_k8s(env: str, pipeline: str) -> None:
    """Keep the options; the commands read them off the context."""


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


image = click.option("-i", "--image", help="Image that the tasks run; replaces run_config.image.")
output = click.option("-o", "--output", help="Where Airflow reads DAGs, a folder or a URL; replaces output.")


def _not_empty(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    # As of a variable that is not set: what is configured would be taken, and may be that of production.
    if value == "":
        raise click.BadParameter("should not be empty")
    return value


dag_name = click.option(
    "-d", "--dag-name", callback=_not_empty, help="Id of the DAG and name of its file; replaces run_config.run_name."
)
checks = _options(
    click.option("--strict", is_flag=True, help="Make every warning an error."),
    click.option(
        "--allow-memory-datasets", is_flag=True, help="Let datasets pass in memory between tasks, which share none."
    ),
    click.option("--no-mlflow", is_flag=True, help="Start no MLflow run; replaces run_config.mlflow.enabled."),
)


def _number(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    # In any range, as far as comparisons tell.
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number of minutes")
    return value


wait = click.option(
    "-w",
    "--wait-for-completion",
    "minutes",
    type=click.FloatRange(min=0, min_open=True),
    is_flag=False,
    flag_value=UNTIL_IT_ENDS,
    callback=_number,
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


@airflow_k8s.command("compile")
@_options(image, checks)
@click.option("-t", "--target-path", default="dags/", show_default=True, help="Folder to write the file into.")
@click.pass_context
def compile_(ctx: click.Context, /, target_path: str, **options: Any) -> None:
    """Write the DAG file into a folder."""
    from kedro_airflow_k8s import delivery

    built = _build(ctx, options)
    chosen = ctx.get_parameter_source("target_path") is not ParameterSource.DEFAULT
    # Below the project, also if Kedro has found that from a folder within.
    base = Path() if chosen else Path(os.path.relpath(ctx.obj.project_path))
    click.echo(delivery.write([built.file], delivery.located(target_path, base)).urls[-1])


@airflow_k8s.command()
@_options(output, image, checks)
@click.pass_context
def upload_pipeline(ctx: click.Context, /, **options: Any) -> None:
    """Compile the DAG and put it where Airflow reads DAGs."""
    _upload(ctx, options)


@airflow_k8s.command()
@_options(output, dag_name, image, checks)
@click.option("-c", "--cron-expression", help="Schedule of the DAG; replaces run_config.cron_expression.")
@click.pass_context
def schedule(ctx: click.Context, /, **options: Any) -> None:
    """Compile the DAG with a schedule and put it where Airflow reads DAGs."""
    from datetime import datetime, timezone

    from kedro_airflow_k8s.build import next_start

    built = _upload(ctx, options)
    run = built.config.run_config
    when = next_start(run.cron_expression, built.start, catchup=run.catchup, now=datetime.now(timezone.utc))
    _report(f"Once Airflow has loaded {built.dag_id} and it is not paused, {when}")


@airflow_k8s.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the list is written.",
)
@click.option("--output-file", type=click.File("w", encoding="utf-8"), help="Write it there, too.")
@click.pass_context
def list_pipelines(ctx: click.Context, /, form: str, output_file: IO[str] | None) -> None:
    """List the DAGs in Airflow that this plugin made."""
    from kedro_airflow_k8s import listing

    text = listing.FORMATS[form](_connected(ctx).dags())
    if output_file:
        output_file.write(f"{text}\n")
    click.echo(text)


@airflow_k8s.command()
@_options(dag_name)
@click.pass_context
def ui(ctx: click.Context, /, dag_name: str | None) -> None:
    """Open Airflow in a browser, at the DAG of the pipeline."""
    from kedro_airflow_k8s import build
    from kedro_airflow_k8s.airflow import page

    group = _group(ctx)
    config = build.settings(ctx.obj, group["env"], "host")
    address = page(str(config.host), build.dag_id(config, group["pipeline"], dag_name))
    click.echo(address)
    click.launch(address)


@airflow_k8s.command()
@_options(output, dag_name, image, wait, load_timeout, checks)
@click.option("--replace-schedule", is_flag=True, help="Do it also where Airflow has the DAG with a schedule.")
@click.pass_context
def run_once(
    ctx: click.Context, /, minutes: float | None, load_timeout: int, replace_schedule: bool, **options: Any
) -> None:
    """Upload the DAG without a schedule and run it once."""
    from kedro_airflow_k8s import run
    from kedro_airflow_k8s.airflow import connect

    built = _build(ctx, options, scheduled=False, required=("host", "output"))
    client = connect(str(built.config.host), os.environ, report=_report)
    patience = run.Wait(load_timeout, _seconds(minutes))
    started = run.start(
        built, client, _output(ctx, built, options), patience, replace_schedule=replace_schedule, report=_report
    )
    click.echo(client.page(started.dag_id, started.run_id))
    if minutes is not None:
        _follow(client, started, patience)


@airflow_k8s.command()
@_options(image, dag_name, wait, checks)
@click.option("--airflow-version", metavar="RELEASE", help="Release of Airflow, such as 2.11; the newest by default.")
@click.option("--keep", is_flag=True, help="Leave Airflow running until Ctrl-C, and print how to log in.")
@click.pass_context
def sandbox(
    ctx: click.Context, /, airflow_version: str | None, keep: bool, minutes: float | None, **options: Any
) -> None:
    """Run the DAG on this machine: a real Airflow, and pods that are processes."""
    from kedro_airflow_k8s.build import sandbox_config
    from kedro_airflow_k8s.run import Wait
    from kedro_airflow_k8s.sandbox import run_here

    built = _build(ctx, options, scheduled=False)
    patience = Wait(end=_seconds(minutes))
    run_here(built, sandbox_config(ctx.obj), patience, version=airflow_version, keep=keep, say=_report)


def _valid_address(ctx: click.Context, argument: click.Parameter, value: str | None) -> str | None:
    from kedro_airflow_k8s.config import address

    try:
        return value if value is None else address(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, argument) from None


@airflow_k8s.command("init")
@click.argument("airflow_url", required=False, callback=_valid_address)
@click.option("--output", help="Where Airflow reads DAGs, a folder or a URL.")
@click.option("--with-github-actions", "workflows", is_flag=True, help="Write workflows of GitHub Actions, too.")
@click.option("--force", is_flag=True, help="Replace the files that are there.")
@click.pass_context
def init_(ctx: click.Context, /, airflow_url: str | None, **options: Any) -> None:
    """Write a first airflow-k8s.yaml.

    It goes into conf/base, which all environments share; with -e on the command line into the folder of that
    environment. Without AIRFLOW_URL or --output the file takes them from the environment variables
    KEDRO_CONFIG_AIRFLOW_URL and KEDRO_CONFIG_AIRFLOW_DAGS.
    """
    from kedro_airflow_k8s.init import Request, init

    group = ctx.parent
    # KEDRO_ENV says where to run, and a first configuration is for every environment.
    asked = group is not None and group.get_parameter_source("env") is ParameterSource.COMMANDLINE
    outcomes, remarks, advice = init(ctx.obj, Request(_group(ctx)["env"] if asked else None, airflow_url, **options))
    for outcome in outcomes:
        click.echo(f"Wrote {outcome.file}" if outcome.written else f"Kept {outcome.file}; --force replaces it")
    for remark in remarks:
        _report(f"Note: {remark}")
    _report(f"Next: {advice}")
    if options["workflows"]:
        _report("The workflows list at their top the variables and secrets of the repository that they take")


def _follow(client: AirflowClient, started: Run, patience: Wait) -> None:
    from kedro_airflow_k8s import run

    try:
        run.follow(client, started, patience)
    except KeyboardInterrupt:
        click.echo(f"The run goes on; see {client.page(started.dag_id, started.run_id)}", err=True)
        raise


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None or minutes == UNTIL_IT_ENDS else 60 * minutes


def _report(text: str) -> None:
    click.echo(text, err=True)


def _output(ctx: click.Context, built: Build, options: Mapping[str, Any]) -> str:
    """Return where to deliver to: what the command line says as it stands, the configuration's from the project on."""
    from kedro_airflow_k8s import delivery

    return delivery.located(str(built.config.output), Path() if options.get("output") else ctx.obj.project_path)


def _upload(ctx: click.Context, options: Mapping[str, Any]) -> Build:
    from kedro_airflow_k8s import delivery

    built = _build(ctx, options, required=("output",))
    written = delivery.write([built.file], _output(ctx, built, options))
    click.echo(f"{written.urls[-1]}{' (unchanged)' if written.unchanged else ''}")
    return built


def _group(ctx: click.Context) -> Mapping[str, Any]:
    """Return the options of the group, which are those of all commands."""
    return ctx.parent.params if ctx.parent else {}


def _connected(ctx: click.Context) -> AirflowClient:
    from kedro_airflow_k8s.airflow import connect
    from kedro_airflow_k8s.build import settings

    config = settings(ctx.obj, _group(ctx)["env"], "host")
    return connect(str(config.host), os.environ, report=_report)


def _build(ctx: click.Context, options: Mapping[str, Any], **request: Any) -> Build:
    from kedro_airflow_k8s.build import Request, build

    group = _group(ctx)
    names = {"image": "--image", "dag_name": "--dag-name", "cron_expression": "--cron-expression"}
    keys = {"image": "run_config.image", "cron_expression": "run_config.cron_expression", "output": "output"}
    given = {name: value for name, value in options.items() if value is not None}
    asked = Request(
        command=ctx.info_name or "",
        env=group["env"],
        pipeline=group["pipeline"],
        options={option: given[name] for name, option in names.items() if name in given},
        name=given.get("dag_name"),
        strict=options["strict"],
        allow_memory=options["allow_memory_datasets"],
        mlflow=not options["no_mlflow"],
        overrides={key: given[name] for name, key in keys.items() if name in given},
        **request,
    )
    built = build(ctx.obj, asked)
    for remark in built.remarks:
        _report(f"Note: {remark}")
    for warning in built.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return built
