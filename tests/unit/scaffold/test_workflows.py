"""The workflows that `init` writes: valid, of least rights, and at the root of the repository."""

import importlib.util
import json
import re
import subprocess
import sysconfig
from pathlib import Path

import jsonschema
import pytest
import yaml

from kedro_airflow_k8s import __version__
from kedro_airflow_k8s.scaffold.workflows import Pipeline, workflows

NAMES = ("on-push", "on-merge-to-main")
PLAIN = Pipeline(image="demo", dag="demo", folder="", branch="main", env="", output="gs://bucket/dags")
ODD = Pipeline(image="demo", dag="demo", folder='a "b"/ż: #', branch="ma'in", env="a: b", output="${airflow_dags|}")


def parsed(text):
    return yaml.load(text, yaml.BaseLoader)


def parsed_as_github(file):
    """Read a workflow as GitHub does: for YAML 1.2 `on` is no boolean."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def job(text):
    (found,) = parsed(text)["jobs"].values()
    return found


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def written(tmp_path):
    """The workflows of two projects, as files."""
    for number, pipeline in enumerate((PLAIN, ODD)):
        for name, text in workflows(pipeline).items():
            (tmp_path / f"{name}-{number}.yml").write_text(text, encoding="utf-8")
    return sorted(tmp_path.iterdir())


def test_they_follow_github_s_schema(written):
    """GitHub would take each of them, whatever the project's folder, branch and environment are called."""
    # Its schemas are wanted, not check-jsonschema itself, which needs a newer click than some Kedros have.
    (package,) = importlib.util.find_spec("check_jsonschema").submodule_search_locations
    file = Path(package) / "builtin_schemas/vendor/github-workflows.json"
    schema = jsonschema.Draft7Validator(json.loads(file.read_text(encoding="utf-8")))

    assert 4 == len(written)
    for text in written:
        schema.validate(parsed_as_github(text))


def test_an_auditor_finds_nothing_but_tags(written, tmp_path):
    """zizmor objects neither to rights nor to injections nor to credentials that stay; tags of actions are wanted."""
    settings = tmp_path / "zizmor.yaml"
    settings.write_text("rules: {unpinned-uses: {config: {policies: {'*': ref-pin}}}}", encoding="utf-8")
    command = [
        f"{sysconfig.get_path('scripts')}/zizmor",
        "--offline",
        "--persona=pedantic",
        "--config",
        settings,
        *written,
    ]

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_no_expression_gets_into_a_shell(name):
    """What others may choose, such as the name of a branch, is a variable of the shell, never a part of the script."""
    for step in job(workflows(PLAIN)[name])["steps"]:
        assert "${{" not in step.get("run", "")


def test_only_the_run_gets_the_login_of_airflow():
    """A secret is in the environment of the one step that needs it; uploading needs none."""
    once, schedule = (workflows(PLAIN)[name] for name in NAMES)

    assert "secrets.AIRFLOW_API_TOKEN" in job(once)["steps"][-1]["env"]["AIRFLOW_API_TOKEN"]
    assert "AIRFLOW_API" not in schedule
    for text in (once, schedule):
        outside = {**parsed(text).get("env", {}), **job(text)["env"]}
        assert [] == [value for value in outside.values() if re.search(r"secrets\.\w+ *}}", value)]


def test_the_image_is_built_before_any_login():
    """The login of Google's action is a file in the folder that the image is built from."""
    steps = [step.get("name", step.get("uses")) for step in job(workflows(PLAIN)["on-push"])["steps"]]

    assert steps.index("Build the image") < steps.index("Log in to Google Cloud") < steps.index("Push the image")
    assert {"persist-credentials": "false"} == job(workflows(PLAIN)["on-push"])["steps"][0]["with"]


@pytest.mark.parametrize(
    ("registry", "password", "calls"),
    [
        ("europe-docker.pkg.dev/p/images", "", ["gcloud auth configure-docker --quiet europe-docker.pkg.dev"]),
        ("eu.gcr.io/p", "", ["gcloud auth configure-docker --quiet eu.gcr.io"]),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com",
            "",
            [
                "aws ecr get-login-password",
                "docker login --username AWS --password-stdin 1.dkr.ecr.eu-west-1.amazonaws.com < token of aws",
            ],
        ),
        ("ghcr.io/us", "", ["docker login --username actor --password-stdin ghcr.io < token of github"]),
        ("ghcr.io/us", "p w", ["docker login --username me --password-stdin ghcr.io < p w"]),
        ("x.pkg.dev/p", "p w", ["docker login --username me --password-stdin x.pkg.dev < p w"]),
        ("registry.local:5000", "", []),
    ],
)
def test_the_registry_decides_on_the_login(tmp_path, registry, password, calls):
    """Google's and Amazon's registries get the login of the step before, GitHub's the token of the workflow, and any
    the password if there is one."""
    log, script = tmp_path / "log", '#!/bin/sh\necho "${0##*/} $*" >> "$LOG"\n'
    bodies = {
        "gcloud": script,
        "aws": f"{script}echo token of aws",
        "docker": '#!/bin/sh\necho "docker $* < $(cat)" >> "$LOG"',
    }
    for name, body in bodies.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    log.touch()
    (step,) = (step for step in job(workflows(PLAIN)["on-push"])["steps"] if step.get("name", "").endswith("registry"))
    variables = {"IMAGE_REGISTRY": registry, "REGISTRY_PASSWORD": password, "REGISTRY_USERNAME": "me", "LOG": str(log)}
    variables |= {"GITHUB_ACTOR": "actor", "GITHUB_TOKEN": "token of github"}

    subprocess.run(
        ["bash", "-e", "-c", step["run"]], env={"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}, check=True
    )
    assert sorted(calls) == sorted(log.read_text(encoding="utf-8").splitlines())


def test_when_they_run():
    """Every branch but one and Dependabot's is tried, that one is scheduled; in a subfolder only what concerns it."""
    once, schedule = (parsed(text)["on"] for text in workflows(PLAIN).values())
    assert {"push": {"branches-ignore": ["main", "dependabot/**"]}} == once
    assert {"push": {"branches": ["main"]}} == schedule

    inner = Pipeline(**{**vars(PLAIN), "folder": "one/two"})
    paths = ["one/two/**", ".github/workflows/on-push.yml"]
    assert paths == parsed(workflows(inner)["on-push"])["on"]["push"]["paths"]


def test_they_may_not_write_packages_until_they_are_told_to():
    """GitHub's registry needs a right that no other does: it is a comment, and without its hash a permission."""
    for text in workflows(PLAIN).values():
        permissions = {"contents": "read", "id-token": "write"}
        assert permissions == job(text)["permissions"]

        assert {**permissions, "packages": "write"} == job(text.replace("# packages:", "packages:"))["permissions"]


def test_no_job_goes_on_for_ever():
    """The job that waits for a run has the time that GitHub gives at most, the other one an hour."""
    assert ["360", "60"] == [job(text)["timeout-minutes"] for text in workflows(PLAIN).values()]


@pytest.mark.parametrize(
    ("output", "extras"),
    [("gs://b/dags", "[gcp]"), ("s3://b/dags", "[aws]"), ("/dags", ""), ("${airflow_dags|}", "[aws,gcp]")],
)
def test_the_plugin_comes_with_what_the_output_needs(output, extras):
    """The plugin is at least as new as the one that wrote the workflow; where DAGs go decides on its extras."""
    text = workflows(Pipeline(**{**vars(PLAIN), "output": output}))["on-push"]

    assert f'"kedro-airflow-k8s{extras}>={__version__},<2"' in text


@pytest.fixture
def project(kedro_project):
    return kedro_project()


def test_they_are_at_the_root_of_the_repository(project, tmp_path):
    """A project within a repository has its workflows where GitHub looks, and they work in its folder."""
    git(tmp_path, "init", "-q", "-b", "main")

    result = project.run("init", "--with-github-actions")

    text = (tmp_path / ".github/workflows/on-push.yml").read_text(encoding="utf-8")
    assert f"Wrote {tmp_path}/.github/workflows/on-push.yml\n" in result.output
    assert {"run": {"working-directory": "project"}} == job(text)["defaults"]
    assert "project/requirements.txt" == job(text)["steps"][1]["with"]["cache-dependency-path"]
    assert not (project.path / ".github").exists()


@pytest.mark.parametrize(
    ("branches", "expected"), [(["master"], "master"), (["master", "main"], "main"), (["x"], "main")]
)
def test_the_branch_that_others_are_merged_to(project, branches, expected):
    """Without a remote it is main, or master if only that is there."""
    for branch in branches:
        git(project.path, "init", "-q") if branch == branches[0] else None
        git(project.path, "checkout", "-q", "-b", branch)
        git(project.path, "commit", "-q", "--allow-empty", "-m", "x")

    project.run("init", "--with-github-actions")

    text = (project.path / ".github/workflows/on-merge-to-main.yml").read_text(encoding="utf-8")
    assert [expected] == parsed(text)["on"]["push"]["branches"]


def test_the_branch_that_the_remote_has_as_its_default(project, tmp_path):
    """The default branch of the remote is the one, whatever it is called."""
    git(tmp_path, "init", "-q", "-b", "trunk", "origin")
    git(tmp_path / "origin", "commit", "-q", "--allow-empty", "-m", "x")
    git(project.path, "clone", "-q", str(tmp_path / "origin"), "clone")
    (project.path / "clone/.git").rename(project.path / ".git")

    project.run("init", "--with-github-actions")

    text = (project.path / ".github/workflows/on-push.yml").read_text(encoding="utf-8")
    assert "trunk" == parsed(text)["on"]["push"]["branches-ignore"][0]


def test_the_environment_that_is_given_is_theirs(project):
    """The commands run in the environment for which init was called."""
    project.run("-e", "prod", "init", "--with-github-actions")

    text = (project.path / ".github/workflows/on-push.yml").read_text(encoding="utf-8")
    assert "prod" == job(text)["env"]["KEDRO_ENV"]


def test_the_other_ending_is_the_same_workflow(project):
    """GitHub would run on-push.yml and on-push.yaml, each on every push."""
    project.write(".github/workflows/on-push.yaml", "mine")

    result = project.run("init", "--with-github-actions")

    assert "Kept .github/workflows/on-push.yaml; --force replaces it\n" in result.output
    assert ["on-merge-to-main.yml", "on-push.yaml"] == sorted(
        file.name for file in (project.path / ".github/workflows").iterdir()
    )


def test_what_would_keep_them_from_working_is_said(project):
    """No repository, no requirements, a configuration that git ignores."""
    result = project.run("init", "--with-github-actions")
    assert "is in no git repository yet" in result.output
    assert "there is no requirements.txt" in result.output

    git(project.path, "init", "-q")
    project.write(".gitignore", "conf/local/*\n")
    project.write("requirements.txt", "kedro\n")
    result = project.run("-e", "local", "init", "--with-github-actions")
    assert "git ignores conf/local/airflow-k8s.yaml, which the workflows then do not see" in result.output
    assert "requirements" not in result.output
