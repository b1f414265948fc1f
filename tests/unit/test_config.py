"""How the content of airflow-k8s.yaml becomes configuration, or one error with all problems."""

from datetime import date

import pytest

from kedro_airflow_k8s.config import load
from kedro_airflow_k8s.errors import ConfigError

RUN = {"image": "i", "namespace": "n", "experiment_name": "e"}
PAIR = ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"]
FILE = ["conf/base/airflow-k8s.yaml"]


def run_config(**values):
    return load({"run_config": {**RUN, **values}}, FILE).run_config


def problems(content, **arguments):
    with pytest.raises(ConfigError) as caught:
        load(content, FILE, **arguments)
    return str(caught.value).splitlines()


def test_all_problems_are_reported_at_once():
    """Every problem of the file is listed with its path, in the form the specification shows."""
    content = {"run_config": {**RUN, "volume": {"disabled": "maybe"}, "startup_timeot": 3}}

    assert [
        "conf/base/airflow-k8s.yaml has 3 problems:",
        "  output: required, but missing",
        "  run_config.startup_timeot: not an option; did you mean 'startup_timeout'?",
        "  run_config.volume.disabled: should be true or false, got 'maybe'",
    ] == problems(content, required=["output"])


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"image": None}, "run_config.image: required, but missing"),
        ({"image_pull_policy": "always"}, "should be one of 'IfNotPresent', 'Always', 'Never', got 'always'"),
        ({"startup_timeout": 0}, "run_config.startup_timeout: should be above 0, got 0"),
        ({"startup_timeout": "soon"}, "run_config.startup_timeout: should be a whole number, got 'soon'"),
        (
            {"startup_time": 1, "startup_timeout": 2},
            "startup_time: not an option beside 'startup_timeout', which is set and means the same; keep one",
        ),
        ({"startup_time": "soon"}, "run_config.startup_time: should be a whole number, got 'soon'"),
        ({"start_date": "2026-13-01"}, "run_config.start_date: should be a date written YYYYMMDD, got '2026-13-01'"),
        ({"start_date": 20261301}, "run_config.start_date: should be a date written YYYYMMDD, got 20261301"),
        ({"cron_expression": "@dayly"}, "run_config.cron_expression: should be a cron expression"),
        ({"cron_expression": "61 * * * *"}, "run_config.cron_expression: should be a cron expression"),
        ({"cron_expression": "0 0 31 2 *"}, "run_config.cron_expression: never happens, or only once: '0 0 31 2 *'"),
        ({"volume": []}, "run_config.volume: should be a section of keys and values, got []"),
        ({"volume": {"access_modes": []}}, "run_config.volume.access_modes: should not be empty"),
        ({"volume": {"access_modes": "ReadWriteOnce"}}, "should be a list, got 'ReadWriteOnce'"),
        (
            {"volume": {"access_modes": ["ReadWriteOncePod", "ReadWriteMany"]}},
            "run_config.volume.access_modes: should have no other mode beside ReadWriteOncePod",
        ),
        ({"volume": {"access_modes": ["RWO"]}}, "run_config.volume.access_modes[0]: should be one of"),
        ({"volume": {"owner": -1}}, "run_config.volume.owner: should be at least 0, got -1"),
        ({"project_path": "home"}, "should be an absolute path in the image, without ':' and '..', got 'home'"),
        ({"resources": {"a": {"request": {}}}}, "resources.a.request: not an option; did you mean 'requests'?"),
        ({"resources": {"a": {"tolerations": [{"efect": "x"}]}}}, "efect: not an option; did you mean 'effect'?"),
        ({"resources": {"a": {"labels": {"x": None}}}}, "resources.a.labels.x: should be text, got null"),
        ({"authentication": "Vars"}, "run_config.authentication: should be a section of keys and values, got 'Vars'"),
        ({"authentication": {"type": "vars"}}, "type: should be one of 'Null', 'GoogleOAuth2', 'Vars', got 'vars'"),
        ({"authentication": {"params": []}}, "run_config.authentication.type: required, but missing"),
        ({"authentication": {"type": "Vars"}}, "run_config.authentication.params: required, but missing"),
        (
            {"authentication": {"type": "Vars", "params": ["X"]}},
            "run_config.authentication.params[0]: should be one of",
        ),
        ({"authentication": {"type": "Null", "params": []}}, "params: not an option; the options here are: type"),
        ({"authentication": {"type": "GoogleOAuth2", "to": "x"}}, "authentication.to: not an option; the options here"),
        ({"authentication": {"type": "Vars", "params": [*PAIR[:1]]}}, "params: should be [MLFLOW_TRACKING_TOKEN] or"),
        (
            {"mlflow": {"tracking_uri": "http://a:b@c"}},
            "https://airflow.example.com/path, without credentials, got 'http://...@c'",
        ),
        ({"mlflow": {"tracking_uri": "mlruns"}}, "run_config.mlflow.tracking_uri: should be an address such as"),
        ({"experiment_name": ["x"]}, "run_config.experiment_name: should be text, got ['x']"),
        ({"experiment_name": ""}, "run_config.experiment_name: should be text that is not empty, got ''"),
    ],
)
def test_a_problem_is_said_in_the_users_words(section, expected):
    """Each kind of mistake names the key, what it should be and what was given."""
    found = problems({"run_config": {**RUN, **section}}, required=["run_config.image"])

    assert 2 == len(found), found
    assert expected in found[1]


def test_a_file_that_is_empty_lacks_its_section():
    """An empty file is one problem, not one for each key that its section would need."""
    assert ["conf/base/airflow-k8s.yaml has 1 problem:", "  run_config: required, but missing"] == problems(
        {}, required=["run_config.image"]
    )


def test_values_of_the_command_line_replace_those_of_the_file():
    """An override wins over the file, also where the file has nothing."""
    config = load({"run_config": RUN}, FILE, overrides={"run_config.image": "other", "output": "dags"})

    assert ("other", "dags") == (config.run_config.image, config.output)


def test_values_of_the_command_line_reach_an_empty_section():
    """`init` writes sections in which all keys are commented out."""
    config = load({"run_config": {**RUN, "mlflow": None}}, FILE, overrides={"run_config.mlflow.enabled": False})

    assert config.run_config.mlflow.enabled is False


@pytest.mark.parametrize(
    "image",
    [
        "demo",
        "team/demo_1:v1.0-rc.1",
        "registry.example.com:5000/team/sub/demo:1",
        "[::1]:5000/demo",
        f"ghcr.io/team/demo:1@sha256:{'0a' * 32}",
        f"demo@sha256:{'0a' * 32}",
    ],
)
def test_an_image_is_what_container_runtimes_take_for_one(image):
    """A name with or without registry, tag and digest."""
    assert run_config(image=image).image == image


@pytest.mark.parametrize("image", ["bad image", " x", "x:", "x:${tag}", "Demo:1", "https://registry/demo", "x@1", "/x"])
def test_an_image_that_kubernetes_would_not_even_pull_is_refused(image):
    """Such as one whose tag comes from a variable that is empty."""
    (_, said) = problems({"run_config": {**RUN, "image": image}})

    assert said.startswith("  run_config.image: should be an image such as registry.example.com/team/demo:1")


@pytest.mark.parametrize(
    "host",
    [
        "http://u:sekret@h",
        "http://u:se/kret@h",
        "u:sekret@h",
        "http://h/?token=sekret",
        "x://sekret-0123456789",
        "http://h#sekret",
    ],
)
def test_a_secret_in_an_address_is_not_shown(host):
    """It is refused, and its place alone told."""
    (_, said) = problems({"host": host, "run_config": RUN})

    assert "host: should be an address such as" in said
    assert "kret" not in said


def test_a_problem_of_the_command_line_is_said_to_be_one():
    """The file itself is right."""
    (_, said) = problems({"run_config": RUN}, overrides={"run_config.image": ""}, required=["run_config.image"])
    assert said == "  run_config.image, as the command line has it: required, but empty"
    (_, said) = problems({"run_config": RUN}, overrides={"run_config.cron_expression": "junk"})

    assert said.startswith("  run_config.cron_expression, as the command line has it: should be a cron expression")


def test_text_that_no_file_could_hold_is_refused():
    """A variable of the environment may have bytes that are no UTF-8."""
    assert (
        "run_config.description: should be text in UTF-8, got '\\udcff'"
        in problems({"run_config": {**RUN, "description": "\udcff"}})[1]
    )


@pytest.mark.parametrize("given", ["20240229", "2024-02-29", 20240229, date(2024, 2, 29)])
def test_a_start_date_may_be_text_number_or_date(given):
    """YYYYMMDD as text or number and a YAML date mean the same day."""
    assert date(2024, 2, 29) == run_config(start_date=given).start_date


@pytest.mark.parametrize("given", [None, {}, {"type": None}, {"type": "Null"}])
def test_null_is_no_authentication(given):
    """For YAML the word Null is no word."""
    assert "Null" == run_config(authentication=given).authentication.type


def test_authentication_by_variables_names_them():
    """The type decides what else the section has."""
    assert tuple(PAIR) == run_config(authentication={"type": "Vars", "params": PAIR}).authentication.params


@pytest.mark.parametrize("given", ["a, b", ["a", "b"]])
def test_pull_secrets_may_be_a_list_or_text(given):
    """Names of secrets are taken from a list or from text with commas."""
    assert ("a", "b") == run_config(image_pull_secrets=given).image_pull_secrets


def test_scalars_become_text_where_kubernetes_wants_text():
    """Labels and quantities that YAML reads as numbers or booleans stay what the user typed."""
    resources = run_config(resources={"gpu": {"labels": {"on": True, "n": 1}, "requests": {"cpu": 0.5}}}).resources

    assert ({"on": "true", "n": "1"}, {"cpu": "0.5"}) == (resources["gpu"].labels, resources["gpu"].requests)


def test_values_from_the_environment_are_text_and_still_understood():
    """Text that spells a boolean or a number counts as one, since interpolated values are always text."""
    run = run_config(catchup="true", startup_time="30", volume={"owner": "1000"})

    assert (True, 30, 1000) == (run.catchup, run.startup_timeout, run.volume.owner)


@pytest.mark.parametrize("given", [None, "@once", "@daily", "@quarterly", "0 5 * * *", "*/10 1-5 * * MON"])
def test_schedules_that_airflow_knows_are_taken(given):
    """Presets, cron expressions and null are schedules."""
    assert given == run_config(cron_expression=given).cron_expression


def test_defaults():
    """What a file with only the required keys means."""
    run = run_config()

    assert ("IfNotPresent", 600, "@daily", False, None) == (
        run.image_pull_policy,
        run.startup_timeout,
        run.cron_expression,
        run.catchup,
        run.project_path,
    )
    assert ("1Gi", ("ReadWriteOnce",), 0, False) == (
        run.volume.size,
        run.volume.access_modes,
        run.volume.owner,
        run.volume.disabled,
    )
    for path in ("/app", "//app", "/app/"):
        assert "/app" == str(run_config(project_path=path).project_path)
