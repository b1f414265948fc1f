"""The commands on tiny real projects: what is written, said and returned."""

import ast

import pytest

from .conftest import CONFIG, PIPELINES


def test_compile_writes_the_file_named_by_the_dag(kedro_project, tmp_path):
    """The file is called as the DAG, and its path is printed."""
    project = kedro_project()

    result = project.run("compile", "--target-path", str(tmp_path / "out"))

    assert 0 == result.exit_code, result.output
    assert ["Demo.py"] == [file.name for file in (tmp_path / "out").iterdir()]
    assert str(tmp_path / "out" / "Demo.py") in result.output
    ast.parse((tmp_path / "out" / "Demo.py").read_text())


def test_the_folder_of_dags_is_below_the_project(kedro_project, tmp_path, monkeypatch):
    """Also from a folder within, where Kedro finds the project; one that is given is as in a shell."""
    project = kedro_project()
    monkeypatch.chdir(project.path / "src")

    found = project.run("compile").output.splitlines()[-1]
    given = project.run("compile", "-t", "dags").output.splitlines()[-1]

    assert ("../dags/Demo.py", "dags/Demo.py") == (found, given)
    assert (project.path / "dags/Demo.py").exists()
    assert (project.path / "src/dags/Demo.py").exists()


def test_a_configured_output_is_below_the_project(kedro_project, tmp_path, monkeypatch):
    """Wherever the command is given; one of the command line is as in a shell, and a URL is neither."""
    project = kedro_project(config=CONFIG.format(output="here"))
    monkeypatch.chdir(tmp_path)

    found = [
        project.run("upload-pipeline", *output).output.splitlines()[-1]
        for output in ([], ["-o", "here"], ["-o", "./s3:/here"], ["-o", f"file://{tmp_path}/there"])
    ]

    assert found == [f"{project.path}/here/Demo.py", "here/Demo.py", "s3:/here/Demo.py", f"{tmp_path}/there/Demo.py"]
    assert (tmp_path / "s3:/here/Demo.py").exists()


def test_a_configured_output_may_be_a_url(kedro_project, tmp_path):
    """It is not taken for a folder of the project."""
    project = kedro_project(config=CONFIG.format(output=f"file://{tmp_path}/there"))

    assert project.run("upload-pipeline").output.splitlines()[-1] == f"{tmp_path}/there/Demo.py"


def test_another_pipeline_gets_a_file_of_its_own(kedro_project, tmp_path):
    """Two pipelines of a project do not overwrite each other."""
    project = kedro_project()
    for pipeline in ("__default__", "first"):
        result = project.run("--pipeline", pipeline, "compile", "-t", str(tmp_path / "out"))
        assert 0 == result.exit_code, result.output

    assert ["Demo-first.py", "Demo.py"] == sorted(file.name for file in (tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ("", (), "run_config: required, but missing"),
        ("run_config: [", (), "conf/base/airflow-k8s.yaml"),
        (CONFIG.replace("  image: registry.example.com/demo:1\n", ""), (), "run_config.image: required, but missing"),
        (CONFIG + "  cron_expression: every day\n", (), "run_config.cron_expression: should be a cron expression"),
        (CONFIG + "  run_name: '///'\n", (), "'///' cannot be a DAG id"),
        (CONFIG, ("-p", "nope"), "no pipeline 'nope' in this project; there are: __default__, empty, first"),
        (CONFIG, ("-p", "empty"), "pipeline 'empty' has no nodes"),
        (CONFIG, ("-e", "prod"), "conf/prod: no such environment"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(kedro_project, tmp_path, config, arguments, said):
    """Each mistake ends with exit code 1 and names what to change."""
    project = kedro_project(config=config)

    result = project.run(*arguments, "compile", "-t", str(tmp_path / "out"))

    assert 1 == result.exit_code
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("schedule", "-d", ""), "'-d' / '--dag-name'"),
        (("run-once", "-d", ""), "'-d' / '--dag-name'"),
        (("sandbox", "-d", ""), "'-d' / '--dag-name'"),
        (("ui", "-d", ""), "'-d' / '--dag-name'"),
        (("schedule", "-c", ""), "'-c' / '--cron-expression'"),
        (("compile", "-i", ""), "'-i' / '--image'"),
        (("compile", "-t", ""), "'-t' / '--target-path'"),
        (("upload-pipeline", "-o", ""), "'-o' / '--output'"),
        (("init", "--output", ""), "'--output'"),
        (("sandbox", "--airflow-version", ""), "'--airflow-version'"),
        (("-e", "", "compile"), "'-e' / '--env'"),
        (("-p", "", "compile"), "'-p' / '--pipeline'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_empty_value_is_not_the_configured_one(kedro_project, monkeypatch, tmp_path, arguments, option):
    """It usually comes from an unset variable of CI; the configured value may be that of production."""
    monkeypatch.chdir(tmp_path)
    result = kedro_project().run(*arguments)

    assert 2 == result.exit_code
    assert f"Invalid value for {option}: should not be empty" in result.output
    assert not (tmp_path / "Demo.py").exists()


def test_a_target_that_cannot_be_written_is_an_error(kedro_project, tmp_path):
    """A file where the folder should be is said to be one."""
    project = kedro_project()
    (tmp_path / "out").write_text("")

    result = project.run("compile", "-t", str(tmp_path / "out"))

    assert 1 == result.exit_code
    assert str(tmp_path / "out") in result.output


def test_a_tag_that_names_no_entry_is_a_warning(kedro_project, tmp_path):
    """An environment need not have every machine; the warning names node, tag and the entries there are."""
    project = kedro_project(config=CONFIG + "  resources: {huge: {}}\n")

    result = project.run("compile", "-t", str(tmp_path / "out"))

    assert 0 == result.exit_code
    assert (
        "Warning: node 'one' is tagged resources.large, but run_config.resources has no such entry (it has: huge);"
        " it gets __default__" in result.output
    )


def test_strict_makes_a_warning_an_error(kedro_project, tmp_path):
    """With --strict the same is exit code 1 and no file."""
    result = kedro_project().run("compile", "--strict", "-t", str(tmp_path / "out"))

    assert 1 == result.exit_code
    assert "with --strict a warning is an error:\n  node 'one' is tagged resources.large" in result.output
    assert not (tmp_path / "out").exists()


def test_two_resources_tags_are_an_error(kedro_project):
    """A node cannot have two machines."""
    pipelines = PIPELINES.replace('tags=["resources.large"]', 'tags=["resources.large", "resources.small"]')

    result = kedro_project(pipelines).run("compile")

    assert 1 == result.exit_code
    assert "node 'one' has several resources tags (resources.large, resources.small)" in result.output


def test_the_image_of_the_command_line_wins(kedro_project, tmp_path):
    """-i replaces run_config.image."""
    kedro_project().run("compile", "-i", "other:2", "-t", str(tmp_path))

    text = (tmp_path / "Demo.py").read_text()
    assert '"image": "other:2"' in text
    assert "demo:1" not in text


def test_a_run_name_that_airflow_refuses_is_changed_with_a_word(kedro_project, tmp_path):
    """What cannot be an id becomes one, and the user is told."""
    result = kedro_project(config=CONFIG + "  run_name: My run!\n").run("compile", "-t", str(tmp_path / "out"))

    assert (tmp_path / "out" / "My-run.py").exists()
    assert "the DAG is called 'My-run': 'My run!' cannot be an id in Airflow" in result.output


def test_wrong_usage_is_exit_code_2(kedro_project):
    """An option that does not exist is click's own error."""
    result = kedro_project().run("compile", "--nope")

    assert 2 == result.exit_code
    assert "No such option" in result.output
    assert "before the command" not in result.output


@pytest.mark.parametrize(
    ("given", "option"), [(("-e", "prod"), "-e"), (("--env=prod",), "--env"), (("-pfirst",), "-p")]
)
def test_an_option_of_all_commands_goes_before_the_command(kedro_project, given, option):
    """Behind the command it is wrong usage, and the user is told where it goes."""
    result = kedro_project().run("compile", *given)

    assert 2 == result.exit_code
    assert f"{option} belongs before the command: `kedro airflow-k8s {option} NAME compile`\n" in result.output
