"""From a project on disk to the DAG file in memory: load, plan, render."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

from kedro_airflow_k8s import config, project
from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.config import PluginConfig, SandboxConfig
from kedro_airflow_k8s.config.schedule import as_cron
from kedro_airflow_k8s.errors import ConfigError, PlanError
from kedro_airflow_k8s.model import File, Finding, Rule
from kedro_airflow_k8s.options import BuildOptions
from kedro_airflow_k8s.plan import identify, plan
from kedro_airflow_k8s.plan.pod import project_path
from kedro_airflow_k8s.project import Project, Source

PASSED_OVER = Rule("configuration-passed-over", "note")


@dataclass(frozen=True)
class Build:
    """A compiled DAG: the file to deliver and what it was made from.

    `start` is its start date, `tracked` whether it starts an MLflow run, and `findings` what the user should know.
    """

    project: Project
    config: PluginConfig
    dag_id: str
    build_id: str
    start: datetime
    file: File
    findings: tuple[Finding, ...]
    tracked: bool = False

    @property
    def project_path(self) -> PurePosixPath:
        """Where the project lies in the image."""
        return project_path(self.project, self.config)


def dag_id(config: PluginConfig, pipeline: str, name: str | None) -> str:
    """Return the id of the DAG of a pipeline. Raises `PlanError`."""
    return identify(config, pipeline, name)[1]


def build(metadata: Any, options: BuildOptions, *, scheduled: bool = True, required: tuple[str, ...] = ()) -> Build:
    """Compile the DAG of the project behind Kedro's `ProjectMetadata`.

    `required` are dotted keys of the configuration that the command needs besides the image. Raises `ConfigError`,
    `ProjectError` or `PlanError`; the last also for warnings if the options are strict.
    """
    source = project.source(metadata, options.env)
    settings = _checked(source, overrides=options.overrides, required=("run_config.image", *required))
    loaded = project.load(metadata, options.env, options.pipeline)
    planned = plan(
        loaded,
        settings,
        command=options.line,
        today=datetime.now(timezone.utc).date(),
        name=options.dag_name,
        scheduled=scheduled,
        allow_memory=options.allow_memory_datasets,
    )
    read = (Finding(PASSED_OVER, source.remark),) if source.remark else ()
    findings = tuple(dict.fromkeys((*read, *planned.findings)))
    warnings = [finding for finding in findings if finding.rule.severity == "warning"]
    if options.strict and warnings:
        listed = "".join(f"\n  {warning.text}" for warning in warnings)
        raise PlanError(f"with --strict a warning is an error:{listed}")
    text, build_id = render(planned.dag)
    file = File(f"{planned.dag.dag_id}.py", text)
    start = planned.dag.arguments["start_date"]
    tracked = "mlflow" in planned.dag.locals
    return Build(loaded, settings, planned.dag.dag_id, build_id, start, file, findings, tracked)


def settings(metadata: Any, env: str, *required: str) -> PluginConfig:
    """Return the configuration alone, with the dotted keys that are required. Raises `ConfigError`."""
    return _checked(project.source(metadata, env), required=required)


def _checked(source: Source, **options: Any) -> PluginConfig:
    """Return the configuration. Raises `ConfigError`, with what the user should know of how it was read."""
    try:
        return config.load(source.content, source.files, **options)
    except ConfigError as error:
        if source.remark is None:
            raise
        raise ConfigError(f"{error}\n{source.remark}") from None


def next_start(schedule: str | None, start: datetime, *, catchup: bool, now: datetime) -> str:
    """Say when a DAG of that schedule and start date runs next, by the rules of Airflow 2 and of Airflow 3."""
    from croniter import croniter

    if schedule is None:
        return "it runs only when triggered"
    cron = as_cron(schedule)
    if cron is None:
        since = f", not before {start:%Y-%m-%d %H:%M} UTC" if start > now else ""
        return f"it runs {'once' if schedule == '@once' else 'again and again'}{since}"
    upcoming = croniter(cron, max(now, start - timedelta(microseconds=1)))
    passed = croniter(cron, now)
    first, second = (f"{upcoming.get_next(datetime):%Y-%m-%d %H:%M} UTC" for _ in range(2))
    last, last_but_one = (passed.get_prev(datetime) for _ in range(2))
    if last < start:
        # Its interval begins with the first time after the start date, and has to end.
        return f"its next run starts at {first}, on Airflow 2 at the end of its interval, {second}"
    if catchup:
        return f"its next run starts at {first}, after those since {start:%Y-%m-%d} that Airflow has not had"
    where = "" if last_but_one >= start else "on Airflow 3 "
    return (
        f"its next run starts at {first}; {where}the one of {last:%Y-%m-%d %H:%M} UTC at once, if it is new to Airflow"
    )


def sandbox_config(metadata: Any) -> SandboxConfig:
    """Return what the sandbox's cluster and Airflow shall hold. Raises `ConfigError`."""
    source = project.sandbox_source(metadata)
    return config.load_sandbox(source.content, source.files)
