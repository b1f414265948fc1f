"""What a cluster refuses although it is well-formed."""

import asyncio

import pytest

from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings
from tests.unit.sandbox.cluster.client import SPACE, claim, pod, running

RESTRICTED = (
    'violates PodSecurity "restricted:latest": '
    'allowPrivilegeEscalation != false (container "base" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "base" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "base" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "base" must set securityContext.seccompProfile.type to '
    '"RuntimeDefault" or "Localhost")'
)


def create(tmp_path, settings, resource, body):
    async def scene():
        async with running(tmp_path, settings=settings) as client:
            return await client.ask("POST", f"{SPACE}/{resource}", body)

    code, answer = asyncio.run(scene())
    return code, answer.get("reason"), answer.get("message")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"service_accounts": ("kedro",)},
            'pods "one" is forbidden: error looking up service account lab/robot: serviceaccount "robot" not found',
        ),
        (
            {"quota": {"pods": 0}},
            'pods "one" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=0, limited: pods=0',
        ),
        ({"restricted": True}, f'pods "one" is forbidden: {RESTRICTED}'),
        (
            {"webhook": ("policy.example.com", "no image of demo")},
            'admission webhook "policy.example.com" denied the request: no image of demo',
        ),
        (
            {"denied": ("create pods",)},
            'pods is forbidden: User "system:serviceaccount:airflow:airflow" cannot create resource "pods" '
            'in API group "" in the namespace "lab"',
        ),
    ],
)
def test_a_pod_that_is_refused(tmp_path, settings, message):
    """The answer is 403, and its message says why."""
    body = pod("one", ["true"], serviceAccountName="robot")

    assert (403, "Forbidden", message) == create(tmp_path, ClusterSettings(**settings), "pods", body)


def test_what_a_restricted_namespace_takes(tmp_path):
    """A pod that keeps the Pod Security Standard is created, and so is one with an account that exists."""
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    common = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    options = {"container": {"securityContext": own}, "securityContext": common, "serviceAccountName": "kedro"}
    settings = ClusterSettings(restricted=True, service_accounts=("kedro",), quota={"pods": 1})

    assert 201 == create(tmp_path, settings, "pods", pod("one", ["true"], **options))[0]


def test_a_namespace_that_does_not_exist(tmp_path):
    """Nothing can be created there; asked for, it is not found."""

    async def scene():
        async with running(tmp_path, settings=ClusterSettings(namespaces=("airflow",))) as client:
            created = await client.ask("POST", f"{SPACE}/persistentvolumeclaims", claim("data"))
            return created, await client.ask("GET", SPACE), await client.ask("GET", "/api/v1/namespaces/airflow")

    created, asked, there = asyncio.run(scene())

    assert [(404, 'namespaces "lab" not found')] * 2 == [(code, body["message"]) for code, body in (created, asked)]
    assert 200 == there[0]


def test_a_right_that_is_missing(tmp_path):
    """A verb and a resource that are denied are refused by their names; all else is done."""
    settings = ClusterSettings(denied=("list persistentvolumeclaims", "delete pods"))

    async def scene():
        async with running(tmp_path, settings=settings) as client:
            await client.create_claim("data")
            listed = await client.ask("GET", f"{SPACE}/persistentvolumeclaims")
            await client.create_pod("one", ["true"])
            deleted = await client.ask("DELETE", f"{SPACE}/pods/one")
            return listed, deleted, await client.ask("GET", f"{SPACE}/persistentvolumeclaims/data")

    listed, deleted, found = asyncio.run(scene())
    user = 'User "system:serviceaccount:airflow:airflow"'

    assert listed[1] == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'persistentvolumeclaims is forbidden: {user} cannot list resource "persistentvolumeclaims" '
        'in API group "" in the namespace "lab"',
        "reason": "Forbidden",
        "details": {"kind": "persistentvolumeclaims"},
        "code": 403,
    }
    assert (
        f'pods "one" is forbidden: {user} cannot delete resource "pods" in API group "" in the namespace "lab"'
        == deleted[1]["message"]
    )
    assert 200 == found[0]
