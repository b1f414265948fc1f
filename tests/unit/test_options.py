"""The options of the commands that compile: what follows from each."""

import click
from click.testing import CliRunner

from kedro_airflow_k8s.options import BuildOptions, Selection, compiles


def test_each_option_replaces_its_key():
    """What is not given replaces nothing."""
    options = BuildOptions(
        "schedule", "local", "__default__", image="demo:2", cron_expression="@weekly", no_mlflow=True
    )

    assert options.overrides == {
        "run_config.image": "demo:2",
        "run_config.cron_expression": "@weekly",
        "run_config.mlflow.enabled": False,
    }


def test_the_command_line_asks_for_the_same_again():
    """With all that the file depends on, and nothing of where it goes."""
    options = BuildOptions(
        "schedule",
        "prod",
        "first",
        output="/dags",
        dag_name="the name",
        strict=True,
        allow_memory_datasets=True,
        no_mlflow=True,
    )

    assert options.line == (
        "kedro airflow-k8s --env=prod --pipeline=first schedule '--dag-name=the name' --allow-memory-datasets"
        " --no-mlflow"
    )


def test_a_command_gets_its_options_as_one_value():
    """Beside those that are its own."""
    received = []

    @click.command("made")
    @compiles("image")
    @click.option("--own", type=int)
    def made(selection, asked, own):
        received.append((selection, asked, own))

    selection = Selection("metadata", "local", "first")
    CliRunner().invoke(made, ["-i", "demo:2", "--strict", "--own", "3"], obj=selection, catch_exceptions=False)

    assert received == [(selection, BuildOptions("made", "local", "first", image="demo:2", strict=True), 3)]
