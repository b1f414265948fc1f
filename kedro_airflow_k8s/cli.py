"""The commands: each parses its options, calls one function and prints what came of it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kedro_airflow_k8s import options
from kedro_airflow_k8s.errors import KedroAirflowK8sError
from kedro_airflow_k8s.options import BuildOptions, Selection, compiles, refuse_empty
from kedro_airflow_k8s.terminal import visible

if TYPE_CHECKING:
    from kedro_airflow_k8s.airflow import AirflowClient
    from kedro_airflow_k8s.build import Build


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
            click.ClickException(visible(str(error))).show()
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
@options.env
@options.pipeline
@click.pass_context
def airflow_k8s(ctx: click.Context, env: str, pipeline: str) -> None:
    """Keep the project and the options for the commands."""
    given = ctx.get_parameter_source("env") is ParameterSource.COMMANDLINE
    ctx.obj = Selection(ctx.obj, env, pipeline, env_given=given)


@airflow_k8s.command("compile")
@compiles("image")
@options.target_path
def compile_(selection: Selection, asked: BuildOptions, target_path: str | None) -> None:
    """Write the DAG file into a folder."""
    from kedro_airflow_k8s import delivery

    built = _build(selection, asked)
    folder = Path() if target_path else Path(os.path.relpath(selection.metadata.project_path))
    written = delivery.write([built.file], delivery.located(target_path or options.DAGS, folder))
    click.echo(written.urls[-1])


@airflow_k8s.command()
@compiles("output", "image")
def upload_pipeline(selection: Selection, asked: BuildOptions) -> None:
    """Compile the DAG and put it where Airflow reads DAGs."""
    _upload(selection, asked)


@airflow_k8s.command()
@compiles("output", "dag_name", "image", "cron_expression")
def schedule(selection: Selection, asked: BuildOptions) -> None:
    """Compile the DAG with a schedule and put it where Airflow reads DAGs."""
    from datetime import datetime, timezone

    from kedro_airflow_k8s.build import next_start

    built = _upload(selection, asked)
    run = built.config.run_config
    when = next_start(run.cron_expression, built.start, catchup=run.catchup, now=datetime.now(timezone.utc))
    _report(f"Once Airflow has loaded {built.dag_id} and it is not paused, {when}")


@airflow_k8s.command()
@options.list_format
@click.option("--output-file", type=click.File("w", encoding="utf-8"), help="Write it there, too.")
@click.pass_obj
def list_pipelines(selection: Selection, form: str, output_file: IO[str] | None) -> None:
    """List the DAGs in Airflow that this plugin made."""
    from kedro_airflow_k8s import listing
    from kedro_airflow_k8s.build import settings

    host = str(settings(selection.metadata, selection.env, "host").host)
    text = visible(listing.FORMATS[form](_connect(host).dags()))
    if output_file:
        output_file.write(f"{text}\n")
    click.echo(text)


@airflow_k8s.command()
@options.build_option("dag_name")
@click.pass_obj
def ui(selection: Selection, dag_name: str | None) -> None:
    """Open Airflow in a browser, at the DAG of the pipeline."""
    from kedro_airflow_k8s import build
    from kedro_airflow_k8s.airflow import page

    config = build.settings(selection.metadata, selection.env, "host")
    address = page(str(config.host), build.dag_id(config, selection.pipeline, dag_name))
    click.echo(visible(address))
    click.launch(address)


@airflow_k8s.command()
@compiles("output", "dag_name", "image")
@options.wait
@options.load_timeout
@click.option("--replace-schedule", is_flag=True, help="Do it also where Airflow has the DAG with a schedule.")
def run_once(
    selection: Selection, asked: BuildOptions, wait: float | None, load_timeout: int, replace_schedule: bool
) -> None:
    """Upload the DAG without a schedule and run it once."""
    from kedro_airflow_k8s import run

    built = _build(selection, asked, scheduled=False, required=("host", "output"))
    client = _connect(str(built.config.host))
    output = _output(selection, asked, built)
    patience = run.Wait(load_timeout, wait or math.inf)
    started = run.start(built, client, output, patience, replace_schedule=replace_schedule, report=_report)
    address = client.page(started.dag_id, started.run_id)
    click.echo(visible(address))
    if wait:
        try:
            run.follow(client, started, patience)
        except KeyboardInterrupt:
            _report(f"The run goes on; see {address}")
            raise


@airflow_k8s.command()
@compiles("image", "dag_name")
@options.wait
@options.airflow_version
@click.option("--keep", is_flag=True, help="Leave Airflow running until Ctrl-C, and print how to log in.")
def sandbox(
    selection: Selection, asked: BuildOptions, wait: float | None, airflow_version: str | None, keep: bool
) -> None:
    """Run the DAG on this machine: a real Airflow, and pods that are processes."""
    from kedro_airflow_k8s.build import sandbox_config
    from kedro_airflow_k8s.run import Wait
    from kedro_airflow_k8s.sandbox import run_here

    built = _build(selection, asked, scheduled=False)
    patience = Wait(end=wait or math.inf)
    run_here(built, sandbox_config(selection.metadata), patience, version=airflow_version, keep=keep, report=_report)


@airflow_k8s.command("init")
@options.airflow_url
@click.option("--output", callback=refuse_empty, help="Where Airflow reads DAGs, a folder or a URL.")
@click.option("--with-github-actions", "workflows", is_flag=True, help="Write workflows of GitHub Actions, too.")
@click.option("--force", is_flag=True, help="Replace the files that are there.")
@click.pass_obj
def init_(selection: Selection, airflow_url: str | None, output: str | None, workflows: bool, force: bool) -> None:
    """Write a first airflow-k8s.yaml.

    It goes into conf/base, which all environments share; with -e on the command line into the folder of that
    environment. Without AIRFLOW_URL or --output the file takes them from the environment variables
    KEDRO_CONFIG_AIRFLOW_URL and KEDRO_CONFIG_AIRFLOW_DAGS.
    """
    from kedro_airflow_k8s.init import InitOptions, init

    # KEDRO_ENV says where to run, and a first configuration is for every environment.
    env = selection.env if selection.env_given else None
    asked = InitOptions(env, airflow_url, output, workflows, force)
    outcomes, remarks, advice = init(selection.metadata, asked)
    for outcome in outcomes:
        click.echo(f"Wrote {outcome.file}" if outcome.written else f"Kept {outcome.file}; --force replaces it")
    for remark in remarks:
        _report(f"Note: {remark}")
    _report(f"Next: {advice}")
    if workflows:
        _report("The workflows list at their top the variables and secrets of the repository that they take")


def _report(text: str) -> None:
    click.echo(visible(text), err=True)


def _connect(host: str) -> AirflowClient:
    from kedro_airflow_k8s.airflow import connect

    return connect(host, os.environ, report=_report)


def _build(
    selection: Selection, asked: BuildOptions, *, scheduled: bool = True, required: tuple[str, ...] = ()
) -> Build:
    from kedro_airflow_k8s.build import build

    built = build(selection.metadata, asked, scheduled=scheduled, required=required)
    for finding in sorted(built.findings, key=lambda finding: finding.rule.severity):
        _report(f"{finding.rule.severity.capitalize()}: {finding.text}")
    return built


def _output(selection: Selection, asked: BuildOptions, built: Build) -> str:
    """Return where to deliver to: a folder of the command line is one of a shell, a configured one is the project's."""
    from kedro_airflow_k8s import delivery

    return delivery.located(str(built.config.output), Path() if asked.output else selection.metadata.project_path)


def _upload(selection: Selection, asked: BuildOptions) -> Build:
    from kedro_airflow_k8s import delivery

    built = _build(selection, asked, required=("output",))
    written = delivery.write([built.file], _output(selection, asked, built))
    click.echo(f"{written.urls[-1]}{' (unchanged)' if written.unchanged else ''}")
    return built
