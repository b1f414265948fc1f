"""The API server of the cluster: objects, lists, watches, refusals."""

import asyncio
import socket
from base64 import b64decode

import aiohttp
import pytest

from tests.unit.sandbox.cluster.client import SPACE, changes, claim, mounted, pod, python, running

PODS = f"{SPACE}/pods"


def asked(tmp_path, *requests, **options):
    """Send requests to a fresh cluster; return the last answer."""

    async def scene():
        async with running(tmp_path, **options) as client:
            for method, path, *rest in requests:
                answer = await client.ask(method, path, *rest)
            return answer

    return asyncio.run(scene())


def refused(answer):
    code, body = answer
    assert ("Status", "Failure", code) == (body["kind"], body["status"], body["code"])
    return code, body["reason"]


def test_a_new_object_has_its_identity(tmp_path):
    """The server sets what only it knows, and nothing that a client made up."""
    body = {**pod("one", ["true"]), "status": {"phase": "Failed"}}
    body["metadata"].update(uid="mine", resourceVersion="9", annotations={"a": None, "b": "x"})

    code, made = asked(tmp_path, ("POST", PODS, body))

    assert (201, "Pod", "v1", "lab", "Pending") == (
        code,
        made["kind"],
        made["apiVersion"],
        made["metadata"]["namespace"],
        made["status"]["phase"],
    )
    assert "mine" != made["metadata"]["uid"]
    assert {"b": "x"} == made["metadata"]["annotations"]
    assert {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"} <= made["metadata"].keys()


def test_a_name_is_generated(tmp_path):
    """generateName gets an ending."""
    body = pod("", ["true"])
    body["metadata"] = {"generateName": "task-"}

    _, made = asked(tmp_path, ("POST", PODS, body))

    assert (10, "task-") == (len(made["metadata"]["name"]), made["metadata"]["name"][:5])


@pytest.mark.parametrize(
    ("requests", "code", "reason"),
    [
        ([("GET", f"{PODS}/none")], 404, "NotFound"),
        ([("DELETE", f"{PODS}/none")], 404, "NotFound"),
        ([("GET", f"{PODS}/none/log")], 404, "NotFound"),
        ([("GET", "/api/v1/nodes")], 404, "NotFound"),
        ([("GET", f"{SPACE}/jobs")], 404, "NotFound"),
        ([("POST", PODS, pod("a", ["true"]))] * 2, 409, "AlreadyExists"),
        ([("POST", f"{SPACE}/persistentvolumeclaims", claim("a"))] * 2, 409, "AlreadyExists"),
        ([("POST", PODS, pod("A", ["true"]))], 422, "Invalid"),
        ([("POST", PODS, {"metadata": {}})], 422, "Invalid"),
        ([("POST", PODS, [])], 400, "BadRequest"),
        ([("POST", PODS, {"kind": "Job"})], 400, "BadRequest"),
        ([("POST", PODS, {"metadata": []})], 400, "BadRequest"),
        ([("POST", PODS, {"metadata": {"namespace": "other", "name": "a"}})], 400, "BadRequest"),
        ([("POST", f"{PODS}?dryRun=All", pod("a", ["true"]))], 400, "BadRequest"),
        ([("PUT", f"{PODS}/a", {})], 405, "MethodNotAllowed"),
        ([("DELETE", PODS)], 405, "MethodNotAllowed"),
        ([("POST", f"{SPACE}/secrets", {})], 405, "MethodNotAllowed"),
        ([("POST", "/version", {})], 405, "MethodNotAllowed"),
        ([("GET", f"{PODS}?labelSelector=a%20b")], 400, "BadRequest"),
        ([("GET", f"{PODS}?fieldSelector=spec.x%3D1")], 400, "BadRequest"),
        ([("GET", f"{PODS}?watch=maybe")], 400, "BadRequest"),
        ([("GET", f"{PODS}?watch=true&resourceVersion=x")], 400, "BadRequest"),
        (
            [("POST", PODS, {"metadata": {"name": "a", "annotations": {"a": "x" * 4_000_000}}})],
            413,
            "RequestEntityTooLarge",
        ),
    ],
)
def test_refusals(tmp_path, requests, code, reason):
    """What cannot be answered is answered with a Status."""
    assert (code, reason) == refused(asked(tmp_path, *requests))


def test_a_body_that_is_no_json(tmp_path):
    """It is refused like any bad request."""

    async def scene():
        headers = {"Content-Type": "application/json"}
        async with running(tmp_path) as client, client.session.post(PODS, data=b"{", headers=headers) as answer:
            return answer.status, (await answer.json())["message"]

    code, message = asyncio.run(scene())

    assert 400 == code
    assert message.startswith("the body of the request is not valid JSON")


def test_lists_are_selected(tmp_path):
    """Label and field selectors leave out the rest, and so does the namespace."""

    async def scene():
        async with running(tmp_path) as client:
            for name, labels in (("one", {"run": "a"}), ("two", {"run": "b"})):
                await client.ask("POST", PODS, pod(name, ["true"], labels=labels))
                await client.reach(name, "Succeeded")
            await client.ask("POST", "/api/v1/namespaces/other/pods", pod("three", ["true"]))
            every = await client.get("pods")
            queries = (
                {"labelSelector": "run=a,already_checked!=True,!airflow-worker"},
                {"labelSelector": "run in (b)"},
                {"fieldSelector": "status.phase=Succeeded,metadata.name!=one"},
                {"fieldSelector": "status.phase=Failed"},
            )
            return every, [
                [item["metadata"]["name"] for item in (await client.get("pods", **q))["items"]] for q in queries
            ]

    every, found = asyncio.run(scene())

    assert ("PodList", ["one", "two"]) == (every["kind"], [item["metadata"]["name"] for item in every["items"]])
    assert int(every["metadata"]["resourceVersion"]) >= 2
    assert [["one"], ["two"], ["two"], []] == found


def test_labels_are_patched(tmp_path):
    """A merge patch adds, changes and with null removes; the object's identity stays."""
    patch = {"metadata": {"labels": {"a": None, "b": "2", "already_checked": "True"}, "uid": "mine"}}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}

    async def scene():
        async with running(tmp_path) as client:
            made = (await client.ask("POST", PODS, pod("one", ["true"], labels={"a": "1", "b": "1"})))[1]
            answer = await client.ask("PATCH", f"{PODS}/one", patch, headers=headers)
            return made, answer, await client.get("pods", labelSelector="already_checked=True")

    made, (code, patched), found = asyncio.run(scene())

    assert (200, {"b": "2", "already_checked": "True"}) == (code, patched["metadata"]["labels"])
    assert made["metadata"]["uid"] == patched["metadata"]["uid"]
    assert 1 == len(found["items"])


@pytest.mark.parametrize(
    ("patch", "kind", "code"),
    [
        ({"metadata": {"labels": {"a": "x:y"}}}, "application/merge-patch+json", 422),
        ({"metadata": {"labels": {"a": 1}}}, "application/merge-patch+json", 422),
        ({"spec": {"restartPolicy": "Always"}}, "application/merge-patch+json", 422),
        ([{"op": "remove", "path": "/a"}], "application/json-patch+json", 415),
        ({}, "application/json", 415),
    ],
)
def test_patches_that_are_refused(tmp_path, patch, kind, code):
    """A pod is what it is; only labels and annotations change."""

    async def scene():
        async with running(tmp_path) as client:
            before = await client.run_pod("one", ["true"])
            answer = await client.ask("PATCH", f"{PODS}/one", patch, headers={"Content-Type": kind})
            return before, answer, await client.get("pods/one")

    before, answer, after = asyncio.run(scene())

    assert code == refused(answer)[0]
    assert before == after


def test_deleting_another_object_of_the_same_name_is_refused(tmp_path):
    """A precondition names the object that is meant."""
    options = {"preconditions": {"uid": "other"}}

    async def scene():
        async with running(tmp_path) as client:
            created = await client.create_pod("one", ["true"])
            return created["metadata"]["uid"], await client.ask("DELETE", f"{PODS}/one", options)

    uid, (code, answer) = asyncio.run(scene())

    assert (409, "Conflict") == (code, answer["reason"])
    assert answer["message"] == (
        'Operation cannot be fulfilled on pods "one": the UID in the precondition (other) does not match the UID in '
        f"record ({uid}). The object might have been deleted and then recreated"
    )


def test_secrets_are_there_in_every_namespace(tmp_path):
    """Their data is base64; they can be read and listed."""
    secrets = {"login": {"USER": "mé"}, "other": {}}

    async def scene():
        async with running(tmp_path, secrets=secrets) as client:
            listed = await client.get("secrets")
            _, one = await client.ask("GET", "/api/v1/namespaces/elsewhere/secrets/login")
            return [item["metadata"]["name"] for item in listed["items"]], one

    listed, one = asyncio.run(scene())

    assert ["login", "other"] == listed
    assert ("Opaque", "mé") == (one["type"], b64decode(one["data"]["USER"]).decode())


def test_version_and_namespaces(tmp_path):
    """Any namespace exists."""

    async def scene():
        async with running(tmp_path) as client:
            version = await client.ask("GET", "/version/")
            return version, await client.ask("GET", "/api/v1/namespaces/anything")

    version, namespace = asyncio.run(scene())

    assert (200, "1") == (version[0], version[1]["major"])
    assert (200, "Active") == (namespace[0], namespace[1]["status"]["phase"])


def test_a_watch_tells_a_pods_life(tmp_path):
    """Every phase is seen, and the deletion, each with a version of its own."""

    async def scene():
        async with running(tmp_path) as client:
            start = (await client.get("pods"))["metadata"]["resourceVersion"]
            query = {"watch": "true", "resourceVersion": start, "timeoutSeconds": "30", "labelSelector": "app=x"}
            async with client.session.get(PODS, params=query) as response:
                await client.ask("POST", PODS, pod("one", ["true"], labels={"app": "x"}))
                await client.ask("POST", PODS, pod("two", ["true"], labels={"app": "y"}))
                await client.reach("one", "Succeeded")
                await client.ask("DELETE", f"{PODS}/one")
                return await changes(response)

    seen = asyncio.run(scene())
    phases = list(dict.fromkeys(change["object"]["status"]["phase"] for change in seen))
    versions = [int(change["object"]["metadata"]["resourceVersion"]) for change in seen]

    assert {"one"} == {change["object"]["metadata"]["name"] for change in seen}
    assert ("ADDED", "DELETED") == (seen[0]["type"], seen[-1]["type"])
    assert {"MODIFIED"} == {change["type"] for change in seen[1:-1]}
    assert ["Pending", "Running", "Succeeded"] == phases
    assert sorted(set(versions)) == versions


def test_a_watch_without_a_version_begins_with_what_is_there(tmp_path):
    """It ends when its time is over."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_claim("a")
            await client.create_claim("b")
            async with client.session.get(
                f"{SPACE}/persistentvolumeclaims", params={"watch": "1", "timeoutSeconds": "1"}
            ) as response:
                return await changes(response)

    assert [("ADDED", "a"), ("ADDED", "b")] == [
        (change["type"], change["object"]["metadata"]["name"]) for change in asyncio.run(scene())
    ]


def test_a_watch_sees_an_object_leave_its_selector(tmp_path):
    """To whoever selects by label, an object that loses the label is deleted."""
    headers = {"Content-Type": "application/merge-patch+json"}

    async def scene():
        async with running(tmp_path) as client:
            await client.ask("POST", PODS, pod("one", ["true"], labels={"app": "x"}))
            await client.reach("one", "Succeeded")
            query = {"watch": "true", "timeoutSeconds": "30", "labelSelector": "app=x"}
            async with client.session.get(PODS, params=query) as response:
                await client.ask("PATCH", f"{PODS}/one", {"metadata": {"labels": {"app": "y"}}}, headers=headers)
                return [change["type"] for change in await changes(response)]

    assert ["ADDED", "DELETED"] == asyncio.run(scene())


def test_events_of_one_pod_are_watched(tmp_path):
    """The provider watches the events of a pod that starts."""

    async def scene():
        async with running(tmp_path) as client:
            await client.run_pod("other", ["true"])
            query = {"watch": "true", "timeoutSeconds": "30", "fieldSelector": "involvedObject.name=one"}
            async with client.session.get(f"{SPACE}/events", params=query) as response:
                await client.run_pod("one", ["true"])
                return await changes(response, 4)

    seen = asyncio.run(scene())

    assert ["Scheduled", "Pulled", "Created", "Started"] == [change["object"]["reason"] for change in seen]
    assert "spec.containers{base}" == seen[-1]["object"]["involvedObject"]["fieldPath"]


def test_a_client_that_goes_leaves_no_task(tmp_path):
    """Watches and logs that nobody reads any more end, although nothing happens in them."""

    async def scene():
        async with running(tmp_path) as client:
            await client.create_pod("one", ["sleep", "60"])
            await client.reach("one", "Running")
            quiet = len(asyncio.all_tasks())
            for path in (f"{PODS}?watch=true", f"{PODS}/one/log?follow=true"):
                async with aiohttp.ClientSession() as session:
                    response = await session.get(client.address + path)
                    busy = len(asyncio.all_tasks())
                    response.close()
            for _ in range(100):
                if len(asyncio.all_tasks()) <= quiet:
                    break
                await asyncio.sleep(0.01)
            return busy > quiet, len(asyncio.all_tasks()) - quiet

    busy, left = asyncio.run(scene())

    assert busy
    assert 0 >= left


def test_logs_as_they_are_asked_for(tmp_path):
    """Times, the last lines and a limit can be asked for; what cannot be read is told."""

    async def scene():
        async with running(tmp_path) as client:
            await client.run_pod("one", python("print('a'); print('b'); print('c', end='')"))
            good = [
                await client.log("one", **query)
                for query in ({}, {"tailLines": "2"}, {"limitBytes": "3"}, {"sinceSeconds": "60"})
            ]
            stamped = await client.log("one", timestamps="True", container="base")
            queries = ("container=x", "previous=true", "tailLines=-1", "sinceTime=today")
            bad = [await client.ask("GET", f"{PODS}/one/log?{query}") for query in queries]
            return good, stamped, bad

    good, stamped, bad = asyncio.run(scene())

    assert [b"a\nb\nc", b"b\nc", b"a\nb", b"a\nb\nc"] == good
    assert [b"a", b"b", b"c"] == [line.split(b"Z ", 1)[1] for line in stamped.splitlines()]
    assert [400] * 4 == [code for code, _ in bad]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "http://example.com"}, 403),
        ({"Host": "example.com"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({}, 200),
    ],
)
def test_only_whom_the_cluster_is_for_gets_in(tmp_path, headers, code):
    """A page in a browser, and a user of this machine without the token, must not run programs."""

    async def scene():
        async with running(tmp_path, token="t0ken") as client:
            return await client.ask("GET", PODS, headers={"Authorization": "Bearer t0ken", **headers})

    assert code == asyncio.run(scene())[0]


def test_the_port_is_closed_when_the_cluster_stops(tmp_path):
    """Nobody answers any more."""

    async def scene():
        async with running(tmp_path) as client:
            return int(client.address.rpartition(":")[2])

    port = asyncio.run(scene())

    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def test_a_defect_is_told_as_an_internal_error(tmp_path, monkeypatch, caplog):
    """The client gets a Status, and the log the traceback."""

    def fail(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("kedro_airflow_k8s.sandbox.cluster.api.resources.by_labels", fail)

    assert (500, "InternalError") == refused(asked(tmp_path, ("GET", PODS)))
    assert "broken" in caplog.text


def test_a_pod_that_the_sandbox_cannot_run_fails(tmp_path, monkeypatch):
    """A full disk, say, fails the pod with what happened instead of leaving it pending; its neighbours end too."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kedro_airflow_k8s.sandbox.cluster.pod.container.unpack", fail)

    async def scene():
        async with running(tmp_path) as client:
            await client.create_claim("data")
            return await client.run_pod("one", ["true"], **mounted("data", "/a"))

    ended = asyncio.run(scene())

    assert ("Failed", "ClusterError") == (ended["status"]["phase"], ended["status"]["reason"])
    assert "No space left on device" in ended["status"]["message"]
