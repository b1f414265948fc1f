"""What features contribute reaches the file; what two of them say at once is a mistake that is found."""

import pytest

from kedro_airflow_k8s import plan as package
from kedro_airflow_k8s.codegen.source import render
from kedro_airflow_k8s.model import Addition, Call, Finding, Fragment, Local, Ref, Rule, TaskSpec
from kedro_airflow_k8s.plan.fragments import combined

from .test_plan import planned

EMPTY = Ref("kedro_airflow_k8s.operators._airflow", "EmptyOperator")
NOTICE = Finding(Rule("always", "note"), "this is always so")


def everything(context):
    """A feature that uses every slot of a fragment."""
    return Fragment(
        first=(TaskSpec("wait_for_x", Call(EMPTY)),),
        before=(TaskSpec("prepare_x", Call(EMPTY, {"doc": Local("told")})),),
        after=(TaskSpec("clean_x", Call(EMPTY)),),
        dag={"max_active_tasks": 7, "on_failure_callback": Ref("kedro_airflow_k8s.operators.parameters", "variable")},
        pod={"spec": {"securityContext": {"runAsNonRoot": True}, "containers": [{"name": "base", "tty": True}]}},
        env=({"name": "X", "value": "{{ env_value('1') }}"},),
        args=("--async",),
        functions={"env_value": Ref("kedro_airflow_k8s.operators.parameters", "env_value")},
        defaults={"queue": "large"},
        tasks={
            context.groups[0].task_id: Addition(
                {"retries": 3}, {"spec": {"containers": [{"name": "base", "stdin": True}]}}, name="talkative"
            )
        },
        locals={"told": "in a local"},
        findings=(NOTICE,),
    )


@pytest.fixture
def feature(monkeypatch):
    """The feature above, in the one list of features."""
    monkeypatch.setattr(package, "FEATURES", (*package.FEATURES, everything))


def test_every_slot_of_a_fragment_reaches_the_file(feature):
    made = planned()

    text, _ = render(made.dag)

    assert made.findings == (NOTICE,)
    for line in (
        'EmptyOperator(task_id="wait_for_x")',
        'prepare_x = EmptyOperator(task_id="prepare_x", doc=told)',
        'clean_x = EmptyOperator(task_id="clean_x")',
        "max_active_tasks=7,",
        "on_failure_callback=variable,",
        '"securityContext": {"fsGroup": 0, "runAsNonRoot": True},',
        '"tty": True,',
        '"args": ["kedro", "run", "--env=local", "--async"],',
        '"env": [{"name": "X", "value": "{{ env_value(\'1\') }}"}],',
        'functions = {"env_value": env_value}',
        '"queue": "large"',
        "talkative_pod = {",
        '"stdin": True,',
        'one = NodePodOperator(task_id="one", nodes=["one"], retries=3, pod=talkative_pod)',
        'told = "in a local"',
        "def env_value(text: str) -> str:",
        "def variable(context: Any, name: str) -> str:",
    ):
        assert line in text


def test_no_functions_are_handed_over_where_none_are_given():
    assert "functions" not in planned().dag.defaults


def test_functions_of_any_feature_are_handed_over(feature):
    assert planned().dag.defaults["functions"] == Local("functions")


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (Fragment(dag={"a": 1}), Fragment(dag={"a": 1}), "dag[a]"),
        (Fragment(locals={"a": 1}), Fragment(locals={"a": 2}), "locals[a]"),
        (Fragment(defaults={"a": 1}), Fragment(defaults={"a": 2}), "defaults[a]"),
        (Fragment(functions={"a": EMPTY}), Fragment(functions={"a": EMPTY}), "functions[a]"),
        (
            Fragment(env=({"name": "A", "value": "1"},)),
            Fragment(env=({"name": "A", "value": "2"},)),
            "pod.spec.containers[base].env[A]",
        ),
        (
            Fragment(pod={"spec": {"securityContext": {"fsGroup": 1}}}),
            Fragment(pod={"spec": {"securityContext": {"fsGroup": 2}}}),
            "pod.spec.securityContext.fsGroup",
        ),
        (
            Fragment(pod={"spec": {"containers": [{"name": "base", "tty": True}]}}),
            Fragment(pod={"spec": {"containers": [{"name": "base", "tty": True}]}}),
            "pod.spec.containers[base].tty",
        ),
    ],
)
def test_what_two_features_give_is_a_mistake_that_names_both(one, other, what):
    with pytest.raises(ValueError, match=r"^the features first and second both give ") as caught:
        combined([("first", one), ("second", other)])

    assert str(caught.value).endswith(f" {what}")


@pytest.mark.parametrize(
    ("addition", "what"),
    [
        (Addition({"retries": 1}), "retries of task one"),
        (Addition(pod={"spec": {"priority": 1}}), "pod.spec.priority of task one"),
    ],
)
def test_what_two_features_give_of_one_task_is_a_mistake(addition, what):
    fragment = Fragment(tasks={"one": addition})

    with pytest.raises(ValueError, match=f"^the features first and second both give {what}$"):
        combined([("first", fragment), ("second", fragment)])


@pytest.mark.parametrize(
    "fragment",
    [
        Fragment(dag={"tags": []}),
        Fragment(locals={"pod": {}}),
        Fragment(defaults={"pod": {}}),
        Fragment(tasks={"no-such-task": Addition({"retries": 1})}),
        Fragment(tasks={"one": Addition({"nodes": ["other"]})}),
        Fragment(before=(TaskSpec("create_pipeline_storage", Call(EMPTY)),)),
        Fragment(pod={"spec": {"volumes": [{"name": "data", "emptyDir": {}}]}}),
    ],
)
def test_no_feature_replaces_what_is_decided_already(monkeypatch, fragment):
    """Neither what the plan itself says of the DAG and its tasks nor what another feature does."""

    def late(context):
        return fragment

    monkeypatch.setattr(package, "FEATURES", (*package.FEATURES, late))

    with pytest.raises(ValueError, match=r"both give|that run no nodes"):
        planned()


def test_features_add_to_the_same_pod_side_by_side():
    one = Fragment(pod={"spec": {"securityContext": {"fsGroup": 1}, "volumes": [{"name": "a", "emptyDir": {}}]}})
    other = Fragment(pod={"spec": {"securityContext": {"runAsUser": 2}, "volumes": [{"name": "b", "emptyDir": {}}]}})

    assert combined([("first", one), ("second", other)]).pod == {
        "spec": {
            "securityContext": {"fsGroup": 1, "runAsUser": 2},
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
        }
    }
