"""The life of a pod as its operator sees it: an earlier pod that dies, waiting for the start, the end, a refusal."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from tests.airflow.conftest import GOLDEN, load
from tests.airflow.test_pods import RUN, rendered

NAMES = {"dag_id": "spaceflights", "task_id": "train-model", "run_id": RUN, "try_number": 2, "map_index": -1}
CONTEXT = {"ti": SimpleNamespace(**NAMES, xcom_push=lambda **_: None), "run_id": RUN}
SECRET = {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}


@pytest.fixture
def task(spaceflights, cluster):
    """The task of a node that is about to be executed."""
    task = rendered(spaceflights, "train-model")
    CONTEXT["dag"] = spaceflights
    return task


@pytest.fixture
def lines(task, monkeypatch):
    """What the operator and its pod manager log."""
    said = []
    for log in (task.log, task.pod_manager.log):
        for level in ("info", "error"):
            monkeypatch.setattr(log, level, lambda text, *values, **_: said.append(text % values if values else text))
    return said


def api(task):
    return task.client


def earlier(task, cluster, **metadata):
    """Add the pod of an earlier try of the task, which runs."""
    labels = task._get_ti_pod_labels(CONTEXT)
    pod = cluster.add_pod("earlier", labels=labels, status={"phase": "Running"})
    pod["metadata"].update(metadata)
    return pod


def started(cluster):
    return [name for method, resource, name in cluster.asked if (method, resource) == ("POST", "pods")]


def test_a_pod_that_is_being_deleted_is_none_to_go_on_with(task, cluster):
    """It counts as running until its grace period is over: the next one starts when it is gone."""
    earlier(task, cluster, deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=30)
    threading.Timer(1.5, cluster.let_go).start()

    made = task.get_or_create_pod(task.build_pod_request_obj(CONTEXT), CONTEXT)

    assert made.metadata.name.startswith("train-model-")
    assert list(cluster.pods) == [made.metadata.name]


def test_a_pod_that_runs_is_gone_on_with(task, cluster):
    """A worker that was killed left it; its next try does not do the work again."""
    earlier(task, cluster)

    assert task.get_or_create_pod(task.build_pod_request_obj(CONTEXT), CONTEXT).metadata.name == "earlier"
    assert started(cluster) == []


def test_a_pod_that_does_not_go_away_is_said(task, cluster, monkeypatch):
    """That of a lost node stays for ever; a second one beside it could write to the same files."""
    earlier(task, cluster, deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=1)
    monkeypatch.setitem(type(task).get_or_create_pod.__globals__, "LATE", 0)

    with pytest.raises(RuntimeError, match="still being deleted after 1 s, so no other is started: earlier"):
        task.get_or_create_pod(task.build_pod_request_obj(CONTEXT), CONTEXT)
    assert started(cluster) == []


@pytest.mark.parametrize(
    ("message", "way_out"),
    [
        ("pods x is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0", "raise the quota"),
        ('pods x is forbidden: violates PodSecurity "restricted:latest": a != false', "use a namespace whose Pod"),
        ('admission webhook "w.example.com" denied the request: no', "ask whoever runs the webhook"),
        ('pods is forbidden: User "u" cannot create resource "pods" in API group ""', "give Airflow's service account"),
    ],
)
def test_a_refusal_is_one_line(task, cluster, message, way_out):
    """Kubernetes' own message and what to do, without the headers of its answer."""
    cluster.answers.append(lambda method, resource, name: (403, message) if method == "POST" else None)

    with pytest.raises(RuntimeError) as caught:
        task.execute(CONTEXT)

    assert str(caught.value).startswith(f"Kubernetes refuses (403): {message}; {way_out}")
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_pod_says_why_it_waits(task, cluster, lines):
    """Once for each reason, and no more when it runs."""
    module, _ = load(GOLDEN / "spaceflights.py")
    pod = cluster.add_pod("p", status={"phase": "Pending", "containerStatuses": [waiting(SECRET)]})
    found = api(task).read_namespaced_pod("p", "airflow")
    look = module.Waiting(api(task), task.log).look

    assert [look(found), look(found)] == [True, True]
    pod["status"] = {"phase": "Running"}
    assert look(found) is False

    assert lines == ['Pod waits: CreateContainerConfigError: secret "x" not found']


def waiting(reason):
    return {"name": "base", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": {"waiting": reason}}


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def test_what_the_scheduler_says(task, cluster):
    """A pod without a node waits for what its condition says."""
    module, _ = load(GOLDEN / "spaceflights.py")
    message = "0/1 nodes are available: 1 Insufficient memory."
    cluster.add_pod("p", status={"phase": "Pending", "conditions": [{**UNSCHEDULED, "message": message}]})

    why = module.why_it_waits(api(task), api(task).read_namespaced_pod("p", "airflow"))

    assert why == f"Unschedulable: {message}"


@pytest.mark.parametrize(
    ("message", "way_out"),
    [
        ('storageclass.storage.k8s.io "fast" not found', "correct run_config.volume.storageclass, or create the class"),
        ("the provisioner only supports access mode ReadWriteOnce", "correct run_config.volume.access_modes, or take"),
    ],
)
def test_a_claim_that_will_not_be_bound_ends_the_wait(task, cluster, lines, message, way_out):
    """The claim's own event says it, the pod's only that the claim is not bound."""
    module, _ = load(GOLDEN / "spaceflights.py")
    cluster.add_pod("p", claim="c", status={"phase": "Pending", "conditions": [{**UNSCHEDULED, "message": "unbound"}]})
    cluster.add_event("PersistentVolumeClaim", "c", "ProvisioningFailed", message)
    found = api(task).read_namespaced_pod("p", "airflow")

    with pytest.raises(
        module.PodLaunchFailedException, match="The pod cannot start: claim c: ProvisioningFailed: "
    ) as e:
        module.Waiting(api(task), task.log).look(found)

    assert f"{message}; {way_out}" in str(e.value)
    assert lines == [f"Pod waits: claim c: ProvisioningFailed: {message}"]


def test_waiting_for_the_start_ends_with_the_start(task, cluster, monkeypatch, lines):
    """The provider waits as ever, while the operator looks why."""
    pod = cluster.add_pod("p", status={"phase": "Pending", "containerStatuses": [waiting(SECRET)]})
    monkeypatch.setitem(type(task.pod_manager).await_pod_start.__globals__, "LOOK", 0.2)
    threading.Timer(1, lambda: pod.update(status={"phase": "Running"})).start()
    found = api(task).read_namespaced_pod("p", "airflow")

    asyncio.run(task.pod_manager.await_pod_start(found, schedule_timeout=20, startup_timeout=20, check_interval=1))

    assert lines.count('Pod waits: CreateContainerConfigError: secret "x" not found') == 1


def ended(reason, code, **others):
    state = {"terminated": {"reason": reason, "exitCode": code, **others}}
    return [{"name": "base", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": state}]


def container(limit=None):
    return [{"name": "base", "image": "x", **({"resources": {"limits": {"memory": limit}}} if limit else {})}]


END = [
    (
        {"containerStatuses": ended("OOMKilled", 137)},
        "OOMKilled, exit code 137 (SIGKILL), memory limit 2Gi, node n1; raise run_config.resources.large.limits.memory",
    ),
    ({"containerStatuses": ended("Error", 1)}, "exit code 1, memory limit 2Gi, node n1"),
    (
        {"reason": "Evicted", "message": "The node was low on resource: memory."},
        "Evicted: The node was low on resource: memory., memory limit 2Gi, node n1;"
        " ask for what the pod needs in run_config.resources.large.requests",
    ),
    (
        {"reason": "DeadlineExceeded", "message": "Pod was active on the node longer than the specified deadline"},
        "DeadlineExceeded: Pod was active on the node longer than the specified deadline, memory limit 2Gi, node n1",
    ),
    (
        {
            "conditions": [
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": "node gone",
                }
            ],
            "containerStatuses": ended("Error", 137),
        },
        "DeletionByTaintManager: node gone, exit code 137 (SIGKILL), memory limit 2Gi, node n1",
    ),
]


@pytest.mark.parametrize(("status", "line"), END)
def test_the_line_of_the_end(task, cluster, lines, status, line):
    """Reason, exit code, signal, memory limit, node, and the key to raise, after all that the provider says."""
    cluster.add_pod(
        "p",
        metadata={"name": "p", "namespace": "airflow", "annotations": {"kedro-airflow-k8s/resources": "large"}},
        spec={"containers": container("2Gi"), "nodeName": "n1"},
        status={"phase": "Failed", **status},
    )
    found = api(task).read_namespaced_pod("p", "airflow")

    with pytest.raises(Exception, match="Pod p returned a failure"):
        task.cleanup(found, found)

    assert lines[-1] == f"Pod ended: {line}"


def test_a_pod_that_succeeded_has_no_such_line(task, cluster, lines):
    """The log of a task that went well says nothing of an end."""
    cluster.add_pod("p", status={"phase": "Succeeded"})
    found = api(task).read_namespaced_pod("p", "airflow")

    task.cleanup(found, found)

    assert [line for line in lines if "ended" in line] == []


def hopeless(cluster):
    """Have every pod that the task makes wait for an image that has no valid name."""
    reason = {"reason": "InvalidImageName", "message": "x"}

    def answer(method, resource, name):
        if method == "GET" and resource == "pods" and name in cluster.pods:
            cluster.pods[name]["status"] = {"phase": "Pending", "containerStatuses": [waiting(reason)]}

    cluster.answers.append(answer)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_pod_that_cannot_start_is_given_up_and_removed(task, cluster, lines, deferrable):
    """The log ends with the reason and the way out, whether or not the provider has looked first."""
    hopeless(cluster)
    task.deferrable = deferrable

    with pytest.raises(Exception, match=r"."):
        task.execute(CONTEXT)

    assert list(cluster.pods) == []
    said = [line for line in lines if line.startswith(("Pod waits: ", "Pod ended: "))]
    assert said[-1:] == (
        ["Pod waits: InvalidImageName: x"]
        if deferrable
        else ["Pod ended: it did not start: InvalidImageName: x; correct run_config.image"]
    )


def test_an_api_that_is_away_for_a_moment_does_not_end_the_wait(task, cluster):
    """A look only explains; the provider itself asks again."""
    module, _ = load(GOLDEN / "spaceflights.py")
    cluster.add_pod("p", status={"phase": "Pending", "containerStatuses": [waiting(SECRET)]})
    found = api(task).read_namespaced_pod("p", "airflow")
    cluster.answers.append(lambda method, resource, name: (503, "etcd leader changed") if method == "GET" else None)

    assert module.Waiting(api(task), task.log).look(found) is True
