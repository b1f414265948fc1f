"""When there is an MLflow run for each run of the DAG, and what the user should know about it."""

import pytest

from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Call, Local, Ref
from kedro_airflow_k8s.project import Tracking

from .test_plan import planned, warnings

URI = "https://mlflow.example.com"
BASE = ("conf/base/mlflow.yml",)
LOCAL = {"files": ("conf/local/mlflow.yml",), "local_files": ("conf/local/mlflow.yml",)}


def tracking(uri=URI, **values):
    return Tracking(**{"experiment": "demo", "tracking_uri": uri, "files": BASE, **values})


def tasks(plan):
    return {task.task_id: task.call for chain in (*plan.dag.before, *plan.dag.after) for task in chain}


def server(plan):
    return plan.dag.locals["mlflow"].kwargs


def test_mlflow_is_on_where_kedro_mlflow_has_a_server():
    """The run is started in kedro-mlflow's experiment before the nodes, handed to them, and finished after them."""
    made = planned(tracking=tracking(f"{URI}/"))

    found = tasks(made)
    assert found["start_mlflow_run"].kwargs == {"mlflow": Local("mlflow"), "experiment": "demo", "image": "i:1"}
    assert found["finish_mlflow_run"].kwargs == {"mlflow": Local("mlflow"), "trigger_rule": "all_done"}
    assert server(made) == {"tracking_uri": URI}
    assert made.dag.locals["pod"]["spec"]["containers"][0]["env"] == [
        {"name": "MLFLOW_TRACKING_URI", "value": URI},
        {"name": "MLFLOW_RUN_ID", "value": "{{ ti.xcom_pull(task_ids='start_mlflow_run') }}"},
    ]
    assert warnings(made) == ()


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("env_vars", ["MLFLOW_TRACKING_URI"]),
        ("secrets", [{"secret": "s", "key": "k", "deploy_target": "MLFLOW_RUN_ID"}]),
    ],
)
def test_what_the_run_sets_cannot_be_set_otherwise(key, given):
    """Kubernetes would take the last one of a name without a word; without the run there is but one."""
    with pytest.raises(PlanError, match=rf"run_config\.{key}: MLFLOW_.* is set for the nodes by the MLflow run"):
        planned({key: given}, tracking=tracking())

    assert warnings(planned({key: given, "mlflow": {"enabled": False}}, tracking=tracking())) == ()


def test_files_are_no_variables():
    """A folder may be called as a variable is."""
    files = {"secret": "s", "deploy_type": "volume", "deploy_target": "/MLFLOW_RUN_ID"}

    assert warnings(planned({"secrets": [files]}, tracking=tracking())) == ()


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ({}, None),
        ({"enabled": False}, tracking()),
        ({"enabled": False, "tracking_uri": URI}, tracking(None)),
        ({}, tracking(skipped_pipelines=("__default__",))),
    ],
)
def test_mlflow_is_off_without_a_word_where_nobody_wants_it(run, found):
    """Kedro-mlflow is not there, or the user switched it off."""
    made = planned({"mlflow": run}, tracking=found)

    assert (
        "start_mlflow_run" in tasks(made),
        "env" in made.dag.locals["pod"]["spec"]["containers"][0],
        warnings(made),
    ) == (False, False, ())


@pytest.mark.parametrize(
    ("run", "found", "expected"),
    [
        ({}, tracking("sqlite:///mlruns.db"), "conf/base/mlflow.yml tracks to sqlite:///mlruns.db, which is no server"),
        ({}, tracking("mlruns"), "conf/base/mlflow.yml tracks to mlruns, which is no server"),
        ({}, tracking("databricks"), "conf/base/mlflow.yml tracks to databricks, which is no server"),
        ({}, tracking(None), "conf/base/mlflow.yml names no server"),
        ({}, tracking(None, files=()), "there is no mlflow.yml"),
        ({"tracking_uri": URI}, None, "kedro-mlflow is not installed here"),
    ],
)
def test_it_is_said_why_mlflow_is_off(run, found, expected):
    """Every pod would track by itself to a place that nobody finds again."""
    made = planned({"mlflow": run}, tracking=found)

    assert "start_mlflow_run" not in tasks(made)
    (warning,) = warnings(made)
    assert expected in warning


def test_a_file_of_another_environment_is_named():
    """`kedro mlflow init` puts it into conf/local, which an environment prod does not read."""
    (warning,) = warnings(planned(env="prod", tracking=tracking(None, **LOCAL)))

    assert "conf/local/mlflow.yml is of another environment than prod" in warning


def test_a_file_in_conf_local_is_not_in_the_image():
    """The warning says what the pods would do then."""
    (warning,) = warnings(planned(tracking=tracking(**LOCAL)))
    (other,) = warnings(planned(tracking=tracking(experiment="Prices", **LOCAL)))

    assert "defaults, to the experiment 'demo'; move it to conf/base" in warning
    assert "to the experiment 'demo' and refuse a run of 'Prices'; move it to conf/base" in other


def test_the_configuration_of_the_plugin_goes_first():
    """The address from inside the cluster is another; a server may be named where kedro-mlflow has none."""
    assert server(planned({"mlflow": {"tracking_uri": "http://mlflow:5000"}}, tracking=tracking())) == {
        "tracking_uri": "http://mlflow:5000"
    }
    assert server(planned({"mlflow": {"tracking_uri": URI}}, tracking=tracking("mlruns"))) == {"tracking_uri": URI}


def test_a_file_in_conf_local_that_is_laid_over_another_is_named():
    """The pods read only the other."""
    files = {"files": (*BASE, *LOCAL["files"]), "local_files": LOCAL["files"]}

    (warning,) = warnings(planned(tracking=tracking(**files)))

    assert warning.startswith("conf/local/mlflow.yml is not in an image that kedro-docker makes: the pods would not")


def test_two_addresses_are_told():
    """In a pod kedro-mlflow takes the one in its own file."""
    run = {"mlflow": {"tracking_uri": "http://mlflow:5000"}}

    (warning,) = warnings(planned(run, tracking=tracking()))
    assert "conf/base/mlflow.yml names a server of its own, which kedro-mlflow takes in the pods" in warning
    assert warnings(planned(run, tracking=tracking("http://mlflow:5000/"))) == ()
    assert warnings(planned(run, tracking=tracking(None))) == ()
    (other,) = warnings(planned(run, tracking=tracking(**LOCAL)))
    assert "is not in an image" in other


def test_mlflow_without_kedro_mlflow_uses_the_pipelines_name():
    """The image may have it, or only mlflow, although the machine that compiles has not."""
    made = planned({"mlflow": {"enabled": True, "tracking_uri": URI}})

    assert tasks(made)["start_mlflow_run"].kwargs["experiment"] == "Demo"


@pytest.mark.parametrize(
    ("found", "expected"), [(None, "there is none"), (tracking("mlruns"), "conf/base/mlflow.yml has 'mlruns'")]
)
def test_mlflow_needs_a_server(found, expected):
    """Who switches it on without one is told what there is."""
    with pytest.raises(PlanError, match=expected):
        planned({"mlflow": {"enabled": True}}, tracking=found)


@pytest.mark.parametrize("uri", ["https://me:hush@mlflow.example.com", "http://me:a/hush@h", "https://me:hush@["])
def test_credentials_do_not_get_into_the_file(uri):
    """An address in mlflow.yml may have some."""
    with pytest.raises(PlanError, match="without credentials") as caught:
        planned(tracking=tracking(uri))

    assert "conf/base/mlflow.yml: server.mlflow_tracking_uri: should be an address" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("enabled", [None, True])
def test_the_password_of_a_database_is_not_shown(enabled):
    """A store that is no server may be named with one."""
    found = tracking("postgresql://me:hush@db/mlflow")

    try:
        said = "".join(warnings(planned({"mlflow": {"enabled": enabled}}, tracking=found)))
    except PlanError as error:
        said = str(error)

    assert "...@db/mlflow" in said
    assert "hush" not in said


def test_a_fixed_run_is_told():
    """The pods would take it instead of their own DAG run's."""
    (warning,) = warnings(planned(tracking=tracking(run_id="1")))

    assert "sets tracking.run.id" in warning


def test_options_of_the_experiment_and_the_name_of_the_run_are_kept():
    """The experiment is made as kedro-mlflow would make it, but for a place that is of one pod alone."""
    options = {"artifact_location": "s3://bucket/x", "tags": {"team": "prices"}}
    kept = planned(tracking=tracking(experiment_options=options, run_name="nightly"))
    left_out = planned(tracking=tracking(experiment_options={"artifact_location": "mlartifacts"}))

    start, finish = tasks(kept)["start_mlflow_run"].kwargs, tasks(kept)["finish_mlflow_run"].kwargs
    assert (start["experiment_options"], start["run_name"], finish["run_name"]) == (options, "nightly", "nightly")
    assert "experiment_options" not in tasks(left_out)["start_mlflow_run"].kwargs
    assert "which is of one pod alone" in warnings(left_out)[0]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"type": "GoogleOAuth2"}, Call(Ref("kedro_airflow_k8s.operators.authentication", "GoogleOAuth2AuthHandler"))),
        (
            {"type": "Vars", "params": ["MLFLOW_TRACKING_TOKEN"]},
            Call(
                Ref("kedro_airflow_k8s.operators.authentication", "VarsAuthHandler"),
                {"variables": ["MLFLOW_TRACKING_TOKEN"]},
            ),
        ),
    ],
)
def test_the_handler_is_that_of_the_configuration(section, expected):
    """Each type of authentication has a class of its own."""
    assert server(planned({"authentication": section}, tracking=tracking()))["auth_handler"] == expected
