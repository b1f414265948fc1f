"""`init` on tiny real projects: what it writes where, what it leaves alone, and that the plugin takes it as it is."""

import json
import os

import pytest
import yaml

CONFIG = "conf/base/airflow-k8s.yaml"
PROD = "conf/prod/airflow-k8s.yaml"
COMPLETE = """\
host: http://one
output: /dags
run_config:
  image: i
  namespace: n
  experiment_name: e
  run_name: ours
"""


@pytest.fixture
def project(kedro_project, monkeypatch):
    """A project without a configuration of the plugin, and no variables of it."""
    for name in ("AIRFLOW_URL", "AIRFLOW_DAGS", "COMMIT_ID"):
        monkeypatch.delenv(f"KEDRO_CONFIG_{name}", raising=False)
    project = kedro_project()
    (project.path / CONFIG).unlink()
    return project


def files(project):
    """Return the content and the time of each file in the project's configuration and workflows."""
    return {
        str(file.relative_to(project.path)): (file.read_bytes(), file.stat().st_mtime_ns)
        for folder in ("conf", ".github")
        for file in (project.path / folder).rglob("*")
        if file.is_file()
    }


def read(project, name=CONFIG):
    return yaml.safe_load((project.path / name).read_text(encoding="utf-8"))


def test_the_names_are_the_project_s(project):
    """Experiment, DAG and image are called as the project is, and nothing is set that could not be there."""
    result = project.run("init")

    assert 0 == result.exit_code, result.output
    assert f"Wrote {CONFIG}\n" in result.output
    assert {
        "host": "${airflow_url|}",
        "output": "${airflow_dags|}",
        "run_config": {
            "image": f"{project.package}:${{commit_id|latest}}",
            "namespace": "default",
            "experiment_name": "Demo",
            "run_name": "demo",
            "volume": None,
            "kubernetes": None,
            "intermediate_data": None,
        },
    } == {
        **read(project),
        "run_config": {key: value for key, value in read(project)["run_config"].items() if key != "mlflow"},
    }


def test_what_is_given_stands_in_the_file(project):
    """The address and the folder of DAGs are those of the command line, checked as the configuration is."""
    project.run("init", "https://airflow.example.com/here/", "--output", "gs://our-bucket/dags")

    assert ("https://airflow.example.com/here", "gs://our-bucket/dags") == (
        read(project)["host"],
        read(project)["output"],
    )


def test_compile_takes_it_unchanged(project, tmp_path):
    """With no variable set, the file compiles; with KEDRO_CONFIG_COMMIT_ID the image has that tag."""
    project.run("init")

    result = project.run("compile", "-t", str(tmp_path / "out"))
    assert 0 == result.exit_code, result.output
    assert f'"image": "{project.package}:latest"' in (tmp_path / "out/demo.py").read_text(encoding="utf-8")


def test_the_environment_says_host_and_output(project, tmp_path, monkeypatch):
    """KEDRO_CONFIG_AIRFLOW_URL and KEDRO_CONFIG_AIRFLOW_DAGS are what a sample without them waits for."""
    project.run("init")
    monkeypatch.setenv("KEDRO_CONFIG_AIRFLOW_URL", "https://airflow.example.com")
    monkeypatch.setenv("KEDRO_CONFIG_AIRFLOW_DAGS", str(tmp_path / "dags"))
    monkeypatch.setenv("KEDRO_CONFIG_COMMIT_ID", "abc")

    result = project.run("upload-pipeline")
    assert 0 == result.exit_code, result.output
    assert f'"image": "{project.package}:abc"' in (tmp_path / "dags/demo.py").read_text(encoding="utf-8")


def test_a_command_that_needs_host_says_which_variable_is_not_set(project):
    """What the sample leaves to the environment is missing by the name of the key, with the way out."""
    project.run("init")

    result = project.run("run-once")
    assert 1 == result.exit_code
    for key in ("host", "output"):
        assert f"{key}: required, but empty; where it is taken from the environment, is the variable" in result.output


def test_what_is_next_names_the_file(project):
    """The keys to look over are set in the file that was written."""
    result = project.run("init")

    assert f"Next: look over image and namespace in {CONFIG}, then `kedro airflow-k8s compile`\n" in result.output


def test_what_is_next_in_an_environment(project):
    """Over a base file the sample sets neither image nor namespace; compiled is in that environment."""
    project.write(CONFIG, COMPLETE)

    result = project.run("-e", "prod", "init")

    assert f"Next: set in {PROD} what differs there, then `kedro airflow-k8s -e prod compile`\n" in result.output


def test_an_address_that_is_not_written_is_said(project):
    """Of a file that is kept the user learns which line to put there, unless it has it; --force writes it."""
    project.write(CONFIG, COMPLETE)
    arguments = ("init", "https://two", "--output", "gs://two/dags")

    kept, replaced = project.run(*arguments), project.run(*arguments, "--force")

    said = f"Note: set `host: https://two` and `output: gs://two/dags` in {CONFIG} yourself; what is there is kept\n"
    assert (0, True) == (kept.exit_code, said in kept.output)
    assert "yourself" not in replaced.output + project.run(*arguments).output
    assert "https://two" == read(project)["host"]


def test_a_second_time_changes_nothing(project):
    """Files that are there are kept, and said to be."""
    project.run("init", "--with-github-actions")
    before = files(project)

    result = project.run("init", "https://other.example.com", "--with-github-actions")

    assert 0 == result.exit_code, result.output
    assert before == files(project)
    assert f"Kept {CONFIG}; --force replaces it\n" in result.output
    assert "Kept .github/workflows/on-push.yml; --force replaces it\n" in result.output


def test_force_replaces(project):
    """With --force each file is written anew."""
    project.write(CONFIG, "run_config: {image: mine}\n")
    project.write(".github/workflows/on-push.yml", "mine\n")

    result = project.run("init", "--with-github-actions", "--force")

    assert f"Wrote {CONFIG}\n" in result.output
    assert "default" == read(project)["run_config"]["namespace"]
    assert "on-push" == read(project, ".github/workflows/on-push.yml")["name"]


@pytest.mark.parametrize(
    "name",
    ["airflow-k8s.yml", "airflow-k8s/run.yaml", "airflow-k8s-run.yaml", "deep/airflow-k8s.yml", "airflow-k8s.json"],
)
def test_another_spelling_is_the_same_file(project, name):
    """Kedro reads all of them as one configuration, in which no key may stand twice."""
    project.write(f"conf/base/{name}", "{}\n")

    result = project.run("init")

    assert f"Kept conf/base/{name}; --force replaces it\n" in result.output
    assert not (project.path / CONFIG).exists()


def test_the_file_of_the_sandbox_is_another(project):
    """`airflow-k8s-sandbox.yaml` begins likewise, and says other things."""
    project.write("conf/local/airflow-k8s-sandbox.yaml", "{}\n")

    assert "Wrote conf/local/airflow-k8s.yaml\n" in project.run("-e", "local", "init").output


def test_force_replaces_the_file_in_its_own_spelling(project):
    """A new file beside it would clash."""
    project.write("conf/base/airflow-k8s.yml", "{}\n")

    assert "Wrote conf/base/airflow-k8s.yml\n" in project.run("init", "--force").output
    assert not (project.path / CONFIG).exists()


def test_force_does_not_choose_among_several(project):
    """Of a configuration in several files nothing is replaced, workflows neither."""
    for name in ("airflow-k8s.yml", "airflow-k8s-run.yaml"):
        project.write(f"conf/base/{name}", "{}\n")
    before = files(project)

    result = project.run("init", "--force", "--with-github-actions")

    assert 1 == result.exit_code
    assert (
        "conf/base/airflow-k8s.yaml would stand beside conf/base/airflow-k8s-run.yaml and conf/base/airflow-k8s.yml,"
        " and say the same keys; remove those first" in result.output
    )
    assert before == files(project)


def test_an_environment_that_is_given_gets_the_file(project, tmp_path):
    """-e on the command line makes the folder, and the file compiles in that environment."""
    result = project.run("-e", "prod", "init")

    assert "Wrote conf/prod/airflow-k8s.yaml\n" in result.output
    assert not (project.path / CONFIG).exists()
    assert 0 == project.run("-e", "prod", "compile", "-t", str(tmp_path / "out")).exit_code


def test_kedro_env_is_not_given(project, monkeypatch):
    """KEDRO_ENV says where to run; the file still goes where every environment has it."""
    monkeypatch.setenv("KEDRO_ENV", "prod")

    assert f"Wrote {CONFIG}\n" in project.run("init").output


def test_an_environment_says_only_what_is_other(project, tmp_path):
    """Over a file in base the sample sets what is given and what base lacks, and nothing that base has."""
    project.write(CONFIG, "run_config: {image: mine, namespace: ours, volume: {size: 5Gi}}\nhost: http://one\n")

    project.run("-e", "prod", "init", "http://two")

    said = read(project, "conf/prod/airflow-k8s.yaml")
    assert {
        "host": "http://two",
        "output": "${airflow_dags|}",
        "run_config": {"experiment_name": "Demo", "run_name": "demo-prod"},
    } == said
    result = project.run("-e", "prod", "compile", "-t", str(tmp_path / "out"))
    assert 0 == result.exit_code, result.output
    assert "5Gi" in (tmp_path / "out/demo-prod.py").read_text(encoding="utf-8")


def test_an_environment_is_offered_a_dag_of_its_own(project):
    """Where base names the DAG the sample proposes a name for the environment's, and sets none."""
    project.write(CONFIG, COMPLETE)

    project.run("-e", "prod", "init")

    text = (project.path / PROD).read_text(encoding="utf-8")
    assert "\n#  run_name: ours-prod\n" in text
    for key in ("namespace", "experiment_name"):
        assert f"\n#  {key}: {yaml.safe_load(COMPLETE)['run_config'][key]}\n" in text
    assert read(project, PROD) is None


def test_an_environment_s_name_keeps_what_the_base_refers_to(project):
    """A reference to a variable in the base's name stands in the proposed one, too."""
    project.write(CONFIG, COMPLETE.replace("ours", "ours-${branch_name|local}"))

    project.run("-e", "prod", "init")

    proposed = "\n#  run_name: ours-${branch_name|local}-prod  # from KEDRO_CONFIG_BRANCH_NAME\n"
    assert proposed in (project.path / PROD).read_text(encoding="utf-8")


def test_where_variables_are_not_read_none_is_referred_to(project, tmp_path):
    """A project with a config loader of its own gets a sample that compiles in it, too."""
    project.write(
        f"src/{project.package}/settings.py",
        """
from pathlib import Path

import yaml
from kedro.config import AbstractConfigLoader


class Plain(AbstractConfigLoader):
    def __getitem__(self, kind):
        files = [*Path(self.conf_source).glob(f"base/{kind}*")]
        return {key: value for file in files for key, value in yaml.safe_load(file.read_text()).items()}


CONFIG_LOADER_CLASS = Plain
""",
    )

    project.run("init", "http://one")

    assert "${" not in (project.path / CONFIG).read_text(encoding="utf-8")
    result = project.run("compile", "-t", str(tmp_path / "out"))
    assert 0 == result.exit_code, result.output
    assert f'"image": "{project.package}:latest"' in (tmp_path / "out/demo.py").read_text(encoding="utf-8")


def test_a_base_that_is_no_yaml_is_an_error(project):
    """What the base says cannot be known, and neither what is other."""
    project.write(CONFIG, "run_config: [\n")

    result = project.run("-e", "prod", "init")

    assert (1, True) == (result.exit_code, f"{CONFIG}: line 2, column 1" in result.output)
    assert not (project.path / "conf/prod").exists()


@pytest.mark.parametrize(
    "address",
    ["airflow.example.com", "ftp://x", "", "https://x?y=1", "http://user:secret@", "http://user:secret@airflow"],
)
def test_an_address_that_is_none_is_wrong_usage(project, address):
    """The check is that of the key `host`; no password is shown."""
    result = project.run("init", address)

    assert 2 == result.exit_code
    assert "should be an address" in result.output
    assert "secret" not in result.output
    assert {"conf/base/catalog.yml", "conf/local/.gitkeep"} == {*files(project)}


@pytest.mark.parametrize("env", ["../elsewhere", "/tmp", ".", "a/../../b", "new\nline", "x" * 300])
def test_an_environment_that_cannot_be_is_an_error(project, env):
    """An environment is a folder of the configuration."""
    before = files(project)

    result = project.run("-e", env, "init")

    assert (1, f"Error: {env!r} cannot be an environment, which is a folder in conf\n") == (
        result.exit_code,
        result.output,
    )
    assert before == files(project)


def test_a_file_that_cannot_be_written_is_an_error(project):
    """A file where the folder should be is said to be in the way."""
    project.write("conf/prod", "")

    result = project.run("-e", "prod", "init")

    assert 1 == result.exit_code
    assert "Error: conf/prod/airflow-k8s.yaml cannot be written: " in result.output


def folders(project):
    """Return all that is in the project, but for what Python keeps beside its modules."""
    return {file for file in project.path.rglob("*") if "__pycache__" not in file.parts}


def test_where_the_workflows_cannot_be_written_nothing_is(project):
    """The configuration's file does not come without them, nor does a folder for it."""
    project.write(".github", "a file\n")
    before = folders(project)

    result = project.run("-e", "zz", "init", "--with-github-actions")

    assert (1, True) == (result.exit_code, ".github/workflows/on-" in result.output), result.output
    assert before == folders(project)


def test_what_was_replaced_comes_back_if_the_rest_cannot_be(project):
    """A folder of a file's name shows only when it is to be replaced."""
    project.write(CONFIG, "run_config: {image: mine}\n")
    project.write(".github/workflows/on-push.yml/keep", "")
    before = {name: content for name, (content, _) in files(project).items()}

    result = project.run("init", "--with-github-actions", "--force")

    assert 1 == result.exit_code
    assert "Error: .github/workflows/on-push.yml cannot be written: " in result.output
    assert before == {name: content for name, (content, _) in files(project).items()}


def test_a_name_that_is_no_text_in_the_locale_is_an_error(project):
    """Nothing is written, not even an empty file; the way out is another locale."""
    before = folders(project)

    result = project.run("-e", os.fsdecode(b"\xff"), "init")

    assert (1, True) == (result.exit_code, "cannot be written in UTF-8: " in result.output), result.output
    assert "set LC_ALL to one of UTF-8" in result.output
    assert before == folders(project)


def test_a_replaced_file_keeps_its_mode_and_the_link_to_it(project):
    """Only the content is another one."""
    file = project.write("shared.yaml", "{}\n")
    file.chmod(0o640)
    (project.path / CONFIG).symlink_to(file)

    project.run("init", "--force")

    assert (project.path / CONFIG).is_symlink()
    assert 0o640 == file.stat().st_mode & 0o777
    assert "default" == read(project, "shared.yaml")["run_config"]["namespace"]


@pytest.mark.parametrize("output", ["s3://key:sekret@bucket/x", "s3://key:se/kret@bucket", "sftp://:sekret@host/dags"])
def test_a_password_does_not_get_into_the_file(project, output):
    """The file is for git; the error does not show the password, and says what to do instead."""
    before = files(project)

    result = project.run("init", "--output", output)

    assert (1, True) == (result.exit_code, result.output.startswith("Error: --output: a password does not belong"))
    assert "KEDRO_CONFIG_AIRFLOW_DAGS" in result.output
    assert "kret" not in result.output
    assert before == files(project)


@pytest.mark.parametrize(
    "output",
    [
        "abfs://dags@account.dfs.core.windows.net/x",
        "hdfs://host:8020/a@b",
        "sftp://me:${password}@host/dags",
        "s3://${oc.env:BUCKET}/a@b",
        "/a:b@c",
    ],
)
def test_an_output_without_a_password_stands_in_the_file(project, output):
    """A user, a port, and a reference to a variable are none."""
    project.run("init", "--output", output)

    assert output == read(project)["output"]


def test_an_output_that_no_upload_would_take_is_an_error(project):
    """It is said before it stands in a file."""
    result = project.run("init", "--output", "gs:/bucket/dags")

    assert (1, True) == (result.exit_code, result.output.startswith("Error: gs:/...: a URL has two slashes, gs://"))
    assert not (project.path / "conf/base/airflow-k8s.yaml").exists()


def test_without_a_configuration_the_other_commands_point_to_init(project):
    """Who has not begun learns how to."""
    result = project.run("compile")

    assert (1, True) == (result.exit_code, "`kedro airflow-k8s init` writes one to start from" in result.output)


@pytest.mark.parametrize(
    ("name", "experiment", "dag"),
    [
        ("Żółć & Co.", "Żółć & Co.", "żółć-co"),
        ("a ${b} {{ c }}", "a ${b} {{ c }}", "a-b-c"),
        ("'\": #", "'\": #", None),
    ],
)
def test_odd_names_arrive_as_they_are(project, tmp_path, name, experiment, dag):
    """The project's name is text whatever it holds, and the DAG's id is made of it or of the package's name."""
    settings = project.path / "pyproject.toml"
    text = settings.read_text(encoding="utf-8").replace('"Demo"', json.dumps(name, ensure_ascii=False))
    settings.write_text(text, encoding="utf-8")
    project.run("init")

    result = project.run("compile", "-t", str(tmp_path / "out"))
    assert 0 == result.exit_code, result.output
    assert [f"{dag or project.package}.py"] == [file.name for file in (tmp_path / "out").iterdir()]
    assert experiment == read(project)["run_config"]["experiment_name"].replace("\\$", "$")
