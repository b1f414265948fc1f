"""The operators of the volume, against Kubernetes' API: retries, races and what belongs to somebody else."""

import threading
from types import SimpleNamespace

import pytest

from tests.airflow.conftest import GOLDEN, dag_of, load
from tests.airflow.test_pods import RUN, rendered

# The runs that Airflow knows, by their ids.
STATES = {"over": "success", "broken": "failed", "busy": "running"}


def count(dag_id, run_ids, states=None):
    return sum(run in STATES and (states is None or STATES[run] in states) for run in run_ids)


CONTEXT = {"ti": SimpleNamespace(get_dr_count=count)}


@pytest.fixture
def claims(cluster):
    """The claims that there are."""
    return cluster.claims


def test_the_claim_is_created_as_planned(spaceflights, claims):
    """The claim has size and access modes, and says to which run it belongs."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute(CONTEXT)

    (claim,) = claims.values()
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert claim["metadata"]["annotations"] == {
        "kedro-airflow-k8s/dag-id": "spaceflights",
        "kedro-airflow-k8s/run-id": RUN,
    }


def test_a_retry_goes_on_with_its_own_claim(spaceflights, claims):
    """A second try of the task finds the claim of the first and is content."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute(CONTEXT)
    task.execute(CONTEXT)

    assert len(claims) == 1


def test_a_claim_of_somebody_else_is_an_error(spaceflights, claims):
    """A claim that happens to have the name, but is not of this run, is not used."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute(CONTEXT)
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    with pytest.raises(RuntimeError, match="exists, and is not of this run"):
        task.execute(CONTEXT)


def test_a_claim_of_somebody_else_is_not_deleted(spaceflights, claims):
    """What another made under that name is left alone."""
    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    rendered(spaceflights, "delete_pipeline_storage").execute(CONTEXT)

    assert len(claims) == 1


def test_a_claim_that_is_gone_is_deleted(spaceflights, claims):
    """Deleting twice is as good as deleting once."""
    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)
    task = rendered(spaceflights, "delete_pipeline_storage")

    task.execute(CONTEXT)
    task.execute(CONTEXT)

    assert claims == {}


def in_module(task):
    return type(task).act.__globals__


def test_the_pods_that_a_run_left_go_with_its_claim(spaceflights, cluster):
    """A pod whose worker was killed stays for ever, and holds the claim even when it has ended."""
    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)
    (claim,) = cluster.claims
    run = cluster.claims[claim]["metadata"]["labels"]["kedro-airflow-k8s/run"]
    cluster.add_pod("left", labels={"kedro-airflow-k8s/run": run}, claim=claim)
    cluster.add_pod("foreign", labels={"kedro-airflow-k8s/run": "another"})

    rendered(spaceflights, "delete_pipeline_storage").execute(CONTEXT)

    assert (list(cluster.claims), list(cluster.pods)) == ([], ["foreign"])


def test_a_claim_that_does_not_go_names_the_pods_in_the_way(spaceflights, cluster, monkeypatch):
    """The task is not green before the volume is gone."""
    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)
    (claim,) = cluster.claims
    cluster.add_pod("debugging", claim=claim)
    task = rendered(spaceflights, "delete_pipeline_storage")
    monkeypatch.setitem(in_module(task), "GONE_PATIENCE", 1)

    with pytest.raises(RuntimeError, match=f"{claim} is being deleted since 1 s, but these pods still use it: debugg"):
        task.execute(CONTEXT)


def test_a_run_that_is_repeated_waits_for_its_old_claim(spaceflights, cluster):
    """The old claim would vanish under the nodes: a new one is made when it is gone."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute(CONTEXT)
    ((name, old),) = cluster.claims.items()
    old["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z", uid="old")
    threading.Timer(1.5, cluster.release).start()

    task.execute(CONTEXT)

    assert cluster.claims[name]["metadata"]["uid"] != "old"


def left(spaceflights, cluster, run, **annotations):
    """Leave the claim of another run behind, with a pod of it."""
    rendered(spaceflights, "create_pipeline_storage", run).execute(CONTEXT)
    (found,) = (each for each in cluster.claims.values() if run == run_of(each))
    found["metadata"]["annotations"].update(annotations)
    labels = {"kedro-airflow-k8s/run": found["metadata"]["labels"]["kedro-airflow-k8s/run"]}
    cluster.add_pod(f"pod-{run}", labels=labels, claim=found["metadata"]["name"])


def run_of(claim):
    return claim["metadata"]["annotations"]["kedro-airflow-k8s/run-id"]


def test_the_next_run_removes_what_earlier_ones_left(spaceflights, cluster, monkeypatch):
    """Claims and pods of runs that are over or unknown go; those of a run that goes on, and that are kept, stay."""
    with monkeypatch.context() as during:
        during.setattr(
            "tests.airflow.test_storage.STATES", dict.fromkeys(("over", "broken", "busy", "kept"), "running")
        )
        for run in ("over", "broken", "busy"):
            left(spaceflights, cluster, run)
        left(spaceflights, cluster, "kept", **{"kedro-airflow-k8s/keep-on-failure": "true"})
    monkeypatch.setitem(STATES, "kept", "failed")

    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)

    assert {run_of(claim) for claim in cluster.claims.values()} == {"busy", "kept", RUN}
    assert set(cluster.pods) == {"pod-busy", "pod-kept"}


def test_a_run_that_airflow_does_not_know_is_over(spaceflights, cluster):
    """Somebody deleted it: nothing will ever use its volume."""
    left(spaceflights, cluster, "deleted")

    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)

    assert {run_of(claim) for claim in cluster.claims.values()} == {RUN}


def test_a_run_that_airflow_does_not_know_and_that_goes_on_is_left_alone(spaceflights, cluster):
    """Another Airflow may have a DAG of the same id, and its runs in the same namespace."""
    left(spaceflights, cluster, "of-another-airflow")
    cluster.pods["pod-of-another-airflow"]["status"] = {"phase": "Running"}

    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)

    assert {run_of(claim) for claim in cluster.claims.values()} == {"of-another-airflow", RUN}
    assert set(cluster.pods) == {"pod-of-another-airflow"}


def test_without_the_right_to_list_claims_the_run_goes_on(spaceflights, cluster, caplog):
    """What is left stays, and the log says by which right it would not."""

    def forbid(method, resource, name):
        if (method, resource, name) == ("GET", "persistentvolumeclaims", ""):
            return 403, 'persistentvolumeclaims is forbidden: User "u" cannot list resource "persistentvolumeclaims"'
        return None

    cluster.answers.append(forbid)

    rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)

    assert len(cluster.claims) == 1


def test_the_state_of_a_run_on_this_airflow():
    """What is asked of Airflow 2, where a task has the database; nobody knows this run."""
    module, _ = load(GOLDEN / "spaceflights.py")

    assert module.run_state(SimpleNamespace(), "spaceflights", "never") == "unknown"


@pytest.mark.parametrize("task_id", ["create_pipeline_storage", "delete_pipeline_storage"])
def test_an_outage_is_ridden_out(spaceflights, cluster, task_id):
    """A Kubernetes that is away for a while costs no volume; Airflow tries again besides."""
    if task_id.startswith("delete"):
        rendered(spaceflights, "create_pipeline_storage").execute(CONTEXT)
    trouble = iter([(503, "away"), (500, "away"), (429, "slow")])
    cluster.answers.append(lambda *_: next(trouble, None))

    task = rendered(spaceflights, task_id)
    task.execute(CONTEXT)

    assert len(cluster.claims) == (0 if task_id.startswith("delete") else 1)
    assert task.retries == (3 if task_id.startswith("delete") else 1)


def test_a_kept_claim_says_so():
    """By it the next run knows what to leave alone."""
    claim = rendered(dag_of(GOLDEN / "everything.py"), "create_pipeline_storage").claim

    assert claim["metadata"]["annotations"]["kedro-airflow-k8s/keep-on-failure"] == "true"


@pytest.mark.parametrize(("connection", "expected"), [("jobs", "jobs"), (None, "default")])
def test_the_namespace_is_found_as_the_provider_finds_that_of_pods(spaceflights, connection, expected):
    module, _ = load(GOLDEN / "spaceflights.py")

    assert module.own_namespace(SimpleNamespace(get_namespace=lambda: connection)) == expected
