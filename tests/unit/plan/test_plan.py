"""What a project and its configuration become."""

from datetime import date, datetime, timezone
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s import config
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.model import Local
from kedro_airflow_k8s.plan import plan, text
from kedro_airflow_k8s.project import Commit, Node, Project

SPOT = {"key": "b", "effect": "NoExecute", "tolerationSeconds": 3}
TODAY = date(2026, 11, 24)
NODES = (Node("one"), Node("two", (), ("one",)))


def planned(run=None, *, name=None, scheduled=True, allow_memory=False, **project):
    section = {"image": "i:1", "namespace": "n", "experiment_name": "Demo", **(run or {})}
    settings = config.load({"run_config": section}, ["airflow-k8s.yaml"])
    values = {"pipeline": "__default__", "nodes": NODES, **project}
    loaded = Project(**{"name": "Demo", "package": "demo", "path": Path("/p"), "env": "local", **values})
    return plan(
        loaded, settings, command="kedro", today=TODAY, name=name, scheduled=scheduled, allow_memory=allow_memory
    )


def warnings(plan):
    """Return what a plan warns of."""
    return tuple(finding.text for finding in plan.findings if finding.rule.severity == "warning")


def notes(plan):
    """Return what a plan says of what cannot be helped."""
    return tuple(finding.text for finding in plan.findings if finding.rule.severity == "note")


def pod(plan):
    return plan.dag.locals["pod"]


def test_the_id_of_the_dag():
    """The id is run_name or experiment_name, with the pipeline's name unless it is the default, or what -d says."""
    assert planned().dag.dag_id == "Demo"
    assert planned({"run_name": "r"}).dag.dag_id == "r"
    assert planned({"run_name": "r"}, pipeline="p").dag.dag_id == "r-p"
    assert planned({"run_name": "r"}, pipeline="p", name="d").dag.dag_id == "d"


@pytest.mark.parametrize("name", ["///", " ", "@@@"])
def test_a_name_without_a_valid_character_is_refused(name):
    """There is nothing to make an id of."""
    with pytest.raises(PlanError, match="cannot be a DAG id"):
        planned({"run_name": name})


def test_a_name_of_the_command_line_is_said_to_be_wrong_there():
    """And not in a file where there is nothing to change."""
    with pytest.raises(PlanError, match=r"'\.\.' cannot be a DAG id, .*; change --dag-name"):
        planned(name="..")


def test_the_commit_is_told_with_what_is_beside_it():
    """Whoever looks for the code of a DAG is not sent to a commit that lacks a part of it."""
    when = datetime(2026, 3, 1, tzinfo=timezone.utc)

    assert "- Commit: `abc`\n" in planned(commit=Commit("abc", when)).dag.doc
    told = planned(commit=Commit("abc", when, changed=True)).dag.doc
    assert "- Commit: `abc`, and changes that are not committed\n" in told


def test_the_start_is_two_days_before_the_commit():
    """The day of the commit counts, not today; outside git today does."""
    commit = Commit("a" * 40, datetime(2026, 3, 1, 12, tzinfo=timezone.utc))

    assert planned(commit=commit).dag.arguments["start_date"] == datetime(2026, 2, 27, tzinfo=timezone.utc)
    assert planned().dag.arguments["start_date"] == datetime(2026, 11, 22, tzinfo=timezone.utc)
    assert planned({"start_date": 20200101}).dag.arguments["start_date"] == datetime(2020, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("scheduled", "run", "start"),
    [
        (True, {"start_date": 20300101}, date(2030, 1, 1)),
        (False, {"start_date": 20300101}, date(2026, 11, 22)),
        (True, {"start_date": 20300101, "cron_expression": None}, date(2026, 11, 22)),
        (False, {"start_date": 20200101}, date(2020, 1, 1)),
    ],
)
def test_a_dag_that_is_not_scheduled_does_not_wait_for_its_start(scheduled, run, start):
    """Airflow would execute none of its tasks before, and call the run a success."""
    assert planned(run, scheduled=scheduled).dag.arguments["start_date"].date() == start


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({}, "clear all of it"),
        ({"keep_on_failure": True}, "clear its failed task and what is downstream of it; its volume is kept"),
        ({"disabled": True}, "clear its failed task and what is downstream of it."),
    ],
)
def test_the_dag_says_how_a_failed_run_is_run_again(volume, said):
    """Whoever looks at it at night has not read the documentation."""
    assert said in planned({"volume": volume}).dag.doc


@pytest.mark.parametrize(("skip_init", "last"), [(False, "data_volume_init"), (True, "create_pipeline_storage")])
def test_the_volume_is_not_removed_before_it_is_made(skip_init, last):
    """If what else precedes the nodes fails, they are given up while the volume is still being made."""
    ((delete,),) = planned({"volume": {"skip_init": skip_init}}).dag.after

    assert delete.upstream == (last,)


def test_an_unscheduled_dag_has_no_schedule():
    """run-once overrides the configured schedule."""
    assert planned(scheduled=False).dag.arguments["schedule"] is None
    assert planned().dag.arguments["schedule"] == "@daily"


def test_tags():
    """Tags tell commit, version and experiment, none longer than Airflow stores."""
    commit = Commit("a" * 40, datetime(2026, 3, 1, tzinfo=timezone.utc))
    tags = planned({"experiment_name": "An experiment / " + "x" * 200}, commit=commit).dag.arguments["tags"]

    assert tags[:2] == ["kedro-airflow-k8s", "commit_sha:" + "a" * 40]
    assert tags[3].startswith("experiment_name:an-experiment-xxx")
    assert all(len(tag) <= 100 for tag in tags)


def test_a_pod_runs_the_nodes_by_arguments_only():
    """There is no command and no shell; environment and pipeline are options."""
    (container,) = pod(planned(pipeline="p", selection=("p",)))["spec"]["containers"]

    assert "command" not in container
    assert container["args"] == ["kedro", "run", "--env=local", "--pipeline=p"]


def test_a_pod_of_a_composed_pipeline_names_all_that_kedro_has_to_load():
    (container,) = pod(planned(pipeline="p", selection=("p", "__default__")))["spec"]["containers"]

    assert container["args"] == ["kedro", "run", "--env=local", "--pipelines=p,__default__"]


@pytest.mark.parametrize(
    ("run", "workdir", "expected"),
    [
        ({}, None, "/home/kedro_docker"),
        ({}, PurePosixPath("/app"), "/app"),
        ({"project_path": "/srv"}, PurePosixPath("/app"), "/srv"),
    ],
)
def test_where_the_project_lies_in_the_image(run, workdir, expected):
    """The configuration wins over the Dockerfile, and that over kedro-docker's place."""
    (container,) = pod(planned(run, workdir=workdir))["spec"]["containers"]

    assert container["workingDir"] == expected
    assert container["volumeMounts"] == [{"name": "data", "mountPath": f"{expected}/data"}]


def test_a_dockerfile_that_does_not_tell_where_the_project_lies_is_a_warning():
    """Its WORKDIR has a variable; the configuration can say it."""
    unknown = planned(workdir=PurePosixPath("/$HOME/x"))

    assert warnings(unknown) == (
        "the WORKDIR of the Dockerfile is /$HOME/x, of which the variable's value is not known here; pods take the"
        " project to be at /home/kedro_docker unless run_config.project_path says where it is",
    )
    assert pod(unknown)["spec"]["containers"][0]["workingDir"] == "/home/kedro_docker"
    assert warnings(planned({"project_path": "/srv"}, workdir=PurePosixPath("/$HOME/x"))) == ()


def test_without_a_volume_nothing_of_it_remains():
    """A disabled volume leaves no task, no mount and no owner."""
    made = planned({"volume": {"disabled": True, "owner": 5}})

    assert (made.dag.before, made.dag.after) == ((), ())
    assert made.dag.locals.keys() == {"pod"}
    assert pod(made)["spec"].keys() == {"shareProcessNamespace", "containers"}


def test_the_claim_as_configured():
    """The claim has the configured class, size and access modes, and tells whose it is."""
    volume = {"storageclass": "fast", "size": "2Gi", "access_modes": ["ReadWriteMany"], "skip_init": True}
    made = planned({"volume": volume})

    assert made.dag.locals["claim"] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": Local("claim_name"),
            "namespace": "n",
            "labels": {"kedro-airflow-k8s/dag": "Demo", "kedro-airflow-k8s/run": text.RUN_ID},
            "annotations": {
                "kedro-airflow-k8s/dag-id": "{{ dag.dag_id }}",
                "kedro-airflow-k8s/run-id": "{{ run_id }}",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "2Gi"}},
            "storageClassName": "fast",
        },
    }


def test_a_named_entry_inherits_from_the_default():
    """A node says only what its entry changes of the common pod, key by key; tolerations are replaced."""
    resources = {
        "__default__": {"requests": {"cpu": 1, "memory": "1Gi"}, "tolerations": [{"key": "a"}], "labels": {"x": "y"}},
        "large": {"requests": {"memory": "9Gi"}, "tolerations": [SPOT]},
        "same": {"requests": {"cpu": "1"}, "tolerations": [{"key": "a"}]},
        "silent": {"labels": {"x": "z"}},
    }
    tags = {"one": ("resources.large", "other"), "two": ("resources.same",), "three": (), "four": ("resources.silent",)}
    nodes = tuple(Node(name, each) for name, each in tags.items())

    made = planned({"resources": resources}, nodes=nodes)

    assert [task.call.kwargs for task in made.dag.nodes] == [
        {"nodes": ["one"], "pod": Local("large_pod")},
        {"nodes": ["two"]},
        {"nodes": ["three"]},
        {"nodes": ["four"], "pod": Local("silent_pod")},
    ]
    common, large, silent = (made.dag.locals[name] for name in ("pod", "large_pod", "silent_pod"))
    assert resources_of(common) == {"requests": {"cpu": "1", "memory": "1Gi"}}
    assert resources_of(large) == {"requests": {"cpu": "1", "memory": "9Gi"}}
    assert [made["spec"]["tolerations"] for made in (common, large, silent)] == [[{"key": "a"}], [SPOT], [{"key": "a"}]]
    assert [made["metadata"]["labels"]["x"] for made in (common, large, silent)] == ["y", "y", "z"]
    # By it Airflow names the key to raise when the pod ran out of memory.
    assert large["metadata"]["annotations"] == {"kedro-airflow-k8s/resources": "large"}


def resources_of(pod):
    return pod["spec"]["containers"][0]["resources"]


def test_the_commonest_pod_is_said_once():
    """In the default arguments of all nodes; a pod that no node has is not in the file."""
    nodes = tuple(Node(name, ("resources.large",)) for name in ("one", "two"))

    made = planned({"resources": {"large": {"requests": {"cpu": 9}}}}, nodes=nodes)

    assert made.dag.defaults["pod"] == Local("large_pod")
    assert "pod" not in made.dag.locals
    assert [task.call.kwargs for task in made.dag.nodes] == [{"nodes": ["one"]}, {"nodes": ["two"]}]


@pytest.mark.parametrize(
    ("entry", "local"), [("init", "init_pod_2"), ("1", "pod_1"), ("ä", "pod_2"), ("A.b", "a_b_pod")]
)
def test_the_pod_of_an_entry_has_a_name_of_its_own(entry, local):
    """Whatever the entry is called; the pod that fills the volume is called init_pod."""
    nodes = (Node("one"), Node("two", (f"resources.{entry}",)))

    made = planned({"resources": {entry: {"requests": {"cpu": 9}}}}, nodes=nodes)

    assert made.dag.nodes[1].call.kwargs == {"nodes": ["two"], "pod": Local(local)}
    assert resources_of(made.dag.locals[local]) == {"requests": {"cpu": "9"}}
    assert "command" in made.dag.locals["init_pod"]["spec"]["containers"][0]


def test_an_entry_that_changes_nothing_needs_no_pod():
    made = planned({"resources": {"same": {}}}, nodes=(Node("one", ("resources.same",)), Node("two")))

    assert [task.call.kwargs for task in made.dag.nodes] == [{"nodes": ["one"]}, {"nodes": ["two"]}]
    assert made.dag.defaults["pod"] == Local("pod")


def test_the_copy_asks_for_no_gpu_and_no_secret():
    """A pod that copies needs neither; what a quota asks of every pod it says."""
    run = {
        "secrets": [{"secret": "all"}, {"secret": "s", "key": "k", "deploy_target": "T"}],
        "resources": {"__default__": {"requests": {"cpu": 1}, "limits": {"memory": "1Gi", "nvidia.com/gpu": 1}}},
    }

    pod = planned(run).dag.locals["init_pod"]

    assert pod["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": Local("claim_name")}}]
    (container,) = pod["spec"]["containers"]
    assert container.keys() == {
        "name",
        "image",
        "imagePullPolicy",
        "workingDir",
        "command",
        "resources",
        "volumeMounts",
    }
    assert container["resources"] == {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}


def test_a_tag_that_names_no_entry_gets_the_default_and_a_warning():
    """The pipeline runs in an environment that lacks the machine."""
    made = planned(nodes=(Node("one", ("resources.gpu",)),))

    assert made.dag.nodes[0].call.kwargs == {"nodes": ["one"]}
    assert warnings(made) == (
        "node 'one' is tagged resources.gpu, but run_config.resources has no such entry (it has: none);"
        " it gets __default__",
    )


def test_a_variable_that_sounds_secret_is_a_warning():
    """Airflow hides a Variable by its value, which is not the text that stands in the pod."""
    made = planned({"variables_params": ["threshold", "db_password"], "env_vars": ["API_TOKEN"]})

    assert [warning.partition(" would ")[0] for warning in warnings(made)] == [
        "the Airflow Variable db_password of run_config.variables_params",
        "the Airflow Variable API_TOKEN of run_config.env_vars",
    ]


def test_a_secret_must_not_hide_the_project():
    """A folder of files over the project, or over what is in it, would take away what the nodes need."""
    root = "/home/kedro_docker"
    assert planned({"secrets": [{"secret": "s", "deploy_type": "volume", "deploy_target": f"{root}/conf/local"}]})
    places = {f"{root}/data/": "data", f"{root}/conf": "conf", f"{root}/src": "src", "/home": "conf, data, src"}
    for place, hidden in places.items():
        with pytest.raises(PlanError, match=f"would hide {hidden} of the project, which lies in {root} of the image"):
            planned({"secrets": [{"secret": "s", "deploy_type": "volume", "deploy_target": place}]})


def test_sensors_have_different_task_ids():
    """Two dependencies whose ids would be equal are told apart, and a DAG cannot wait for itself."""
    dependencies = [{"dag_id": "a_b"}, {"dag_id": "a", "task_id": "b"}]

    made = planned({"external_dependencies": dependencies})

    assert [task.task_id for task in made.dag.first] == ["wait_for_a_b", "wait_for_a_b-2"]
    assert planned({"external_dependencies": dependencies}, scheduled=False).dag.first == ()
    assert planned({"external_dependencies": dependencies, "cron_expression": None}).dag.first == ()
    with pytest.raises(PlanError, match="Demo would wait for itself"):
        planned({"external_dependencies": [{"dag_id": "Demo"}]})


def test_a_schedule_without_times_of_its_own_hardly_finds_what_it_waits_for():
    """The run of `@once` has the start date, those of `@continuous` the moment at which they begin."""
    for schedule, count in {"@once": 1, "@continuous": 1, "@daily": 0}.items():
        made = planned({"external_dependencies": [{"dag_id": "raw"}], "cron_expression": schedule})

        assert [f"with the schedule {schedule} a run has a logical date of its own"] * count == [
            warning.partition(", at which")[0] for warning in warnings(made)
        ]


def test_an_entry_can_take_back_tolerations():
    """A list replaces the one it would inherit, also with nothing."""
    resources = {"__default__": {"tolerations": [{"key": "a"}]}, "plain": {"tolerations": []}}

    made = planned({"resources": resources}, nodes=(Node("one", ("resources.plain",)),))

    assert "tolerations" not in made.dag.locals["plain_pod"]["spec"]


def test_every_task_reaches_the_cluster_in_the_same_way():
    """Pods and the tasks of the volume; a text is no template."""
    access = {"conn_id": "eks", "config_file": "/etc/{{ x }}", "in_cluster": False, "cluster_context": "blue"}

    made = planned({"kubernetes": access})

    file = "{{ '/etc/\\x7b\\x7b x \\x7d\\x7d' }}"
    hook = {"conn_id": "eks", "config_file": file, "in_cluster": False, "cluster_context": "blue"}
    of_pods = {"kubernetes_conn_id": "eks", "config_file": file, "in_cluster": False, "cluster_context": "blue"}
    ((create, fill),), ((delete,),) = made.dag.before, made.dag.after
    assert create.call.kwargs["kubernetes"] == delete.call.kwargs["kubernetes"] == hook
    assert {key: fill.call.kwargs[key] for key in of_pods} == of_pods
    assert {key: made.dag.defaults[key] for key in of_pods} == of_pods


def test_without_a_namespace_neither_pods_nor_claims_name_one():
    made = planned({"namespace": None})

    manifests = [made.dag.locals[name] for name in ("pod", "init_pod", "claim")]
    assert [manifest["metadata"].get("namespace") for manifest in manifests] == [None, None, None]


def test_a_single_file_of_a_secret_is_mounted_by_itself():
    """Kedro's loader reads it, and the folder's other files stay."""
    folder = "/home/kedro_docker/conf/local"
    secret = {"secret": "s", "key": "credentials.yml", "deploy_type": "volume", "deploy_target": folder}

    (container,) = pod(planned({"secrets": [secret], "volume": {"disabled": True}}))["spec"]["containers"]

    assert container["volumeMounts"] == [
        {
            "name": "secret-0",
            "mountPath": f"{folder}/credentials.yml",
            "subPath": "credentials.yml",
            "readOnly": True,
        }
    ]
