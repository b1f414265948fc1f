"""What the API server refuses, with the field it names."""

import pytest

from kedro_airflow_k8s.sandbox.cluster.api.validation import check
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Refusal
from tests.unit.sandbox.cluster.client import claim, pod


def fields(item, kind="Pod"):
    """Return the fields that are wrong."""
    item.update(kind=kind, apiVersion="v1")
    try:
        check(item)
    except Refusal as refusal:
        return [cause["field"] for cause in refusal.status["details"]["causes"]]
    return []


def container(**changes):
    return fields(pod("a", ["x"], container=changes))


def test_a_pod_with_all_that_the_provider_sends_is_accepted():
    """What KubernetesPodOperator can be told is no reason to refuse a pod."""
    item = pod(
        "a",
        ["run", "--nodes=a"],
        labels={"dag_id": "x", "airflow_kpo_in_cluster": "False", "example.com/a": ""},
        container={
            "env": [
                {"name": "A", "value": ""},
                {"name": "b.c-D", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}},
            ],
            "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}],
            "resources": {
                "requests": {"cpu": "500m", "nvidia.com/gpu": 1},
                "limits": {"cpu": 1, "nvidia.com/gpu": "1"},
            },
            "securityContext": {"runAsUser": 0},
            "volumeMounts": [{"name": "v", "mountPath": "/home/kedro_docker/data", "subPath": "a/b"}],
            "imagePullPolicy": "IfNotPresent",
        },
        volumes=[
            {"name": "v", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "s", "secret": {"secretName": "s"}},
        ],
        tolerations=[
            {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
            {"operator": "Exists"},
            {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
        ],
        nodeSelector={"pool": "large"},
        affinity={},
        imagePullSecrets=[{"name": "x"}],
        securityContext={"fsGroup": 0},
        serviceAccountName="runner",
        activeDeadlineSeconds=5,
    )

    assert [] == fields(item)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"image": ""}, "spec.containers[0].image"),
        ({"image": " a"}, "spec.containers[0].image"),
        ({"name": "Base"}, "spec.containers[0].name"),
        ({"args": ["run", 1]}, "spec.containers[0].args[1]"),
        ({"args": "run"}, "spec.containers[0].args"),
        ({"env": [{"name": "A", "value": 1}]}, "spec.containers[0].env[0].value"),
        ({"env": [{"name": "A=B"}]}, "spec.containers[0].env[0].name"),
        ({"env": [{"value": "x"}]}, "spec.containers[0].env[0].name"),
        ({"env": [{"name": "A", "value": "\0"}]}, "spec.containers[0].env[0].value"),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {}}}]}, "spec.containers[0].env[0].valueFrom"),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
            "spec.containers[0].env[0].valueFrom.secretKeyRef.key",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath",
        ),
        ({"envFrom": [{"prefix": "A"}]}, "spec.containers[0].envFrom[0]"),
        ({"imagePullPolicy": "Sometimes"}, "spec.containers[0].imagePullPolicy"),
        ({"volumeMounts": [{"name": "no", "mountPath": "/a"}]}, "spec.containers[0].volumeMounts[0].name"),
        ({"resources": {"limits": {"memory": "1 GB"}}}, "spec.containers[0].resources.limits[memory]"),
        ({"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}, "spec.containers[0].resources.requests"),
        ({"tty": True}, "spec.containers[0].tty"),
    ],
)
def test_a_container_that_is_wrong(changes, field):
    """A mistake in a container is refused with its field."""
    assert [field] == container(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"containers": []}, "spec.containers"),
        ({"restartPolicy": "OnFailure"}, "spec.restartPolicy"),
        ({"nodeSelector": {"a": 1}}, "spec.nodeSelector[a]"),
        ({"tolerations": [{"key": "a", "operator": "Equals"}]}, "spec.tolerations[0].operator"),
        ({"tolerations": [{"key": "a", "effect": "No"}]}, "spec.tolerations[0].effect"),
        ({"tolerations": [{"value": "a"}]}, "spec.tolerations[0].operator"),
        ({"volumes": [{"name": "v"}]}, "spec.volumes[0]"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "spec.volumes[0].hostPath"),
        ({"volumes": [{"name": "v", "emptyDir": {}}] * 2}, "spec.volumes.name"),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds"),
    ],
)
def test_a_pod_that_is_wrong(changes, field):
    """A mistake in a pod's spec is refused with its field."""
    assert [field] == fields(pod("a", ["x"], **changes))


@pytest.mark.parametrize("path", ["relative", "/", "/a:b", "/a/../b"])
def test_a_mount_that_cannot_be(path):
    """Mounts lie at absolute paths below the root."""
    item = pod(
        "a",
        ["x"],
        container={"volumeMounts": [{"name": "v", "mountPath": path}]},
        volumes=[{"name": "v", "emptyDir": {}}],
    )

    assert ["spec.containers[0].volumeMounts[0].mountPath"] == fields(item)


def test_mounts_within_mounts_are_refused():
    """The sandbox cannot do them, and says so."""
    mounts = [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a/b"}]
    item = pod("a", ["x"], container={"volumeMounts": mounts}, volumes=[{"name": "v", "emptyDir": {}}])

    assert ["spec.containers[0].volumeMounts"] == fields(item)


@pytest.mark.parametrize(
    ("labels", "field"),
    [({"a": "x:y"}, "metadata.labels"), ({"a b": "x"}, "metadata.labels"), ({"a": 1}, "metadata.labels[a]")],
)
def test_labels_that_are_wrong(labels, field):
    """Values of labels are text of a certain form."""
    assert [field] == fields(pod("a", ["x"], labels=labels))


def test_all_that_is_wrong_is_told_at_once():
    """The message names the object and every cause."""
    item = pod("No_Name", ["x"], container={"image": ""})
    item.update(kind="Pod", apiVersion="v1")

    with pytest.raises(Refusal) as caught:
        check(item)

    assert 422 == caught.value.code
    assert 2 == len(caught.value.status["details"]["causes"])
    assert str(caught.value).startswith('Pod "No_Name" is invalid: [metadata.name: Invalid value')


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"accessModes": []}, "spec.accessModes"),
        ({"accessModes": ["Any"]}, "spec.accessModes"),
        ({"resources": {}}, "spec.resources[storage]"),
        ({"resources": {"requests": {"storage": "big"}}}, "spec.resources.requests[storage]"),
        ({"storageClassName": "Fast_One"}, "spec.storageClassName"),
    ],
)
def test_a_claim_that_is_wrong(changes, field):
    """A mistake in a claim is refused with its field."""
    item = claim("a")
    item["spec"].update(changes)

    assert [field] == fields(item, "PersistentVolumeClaim")
