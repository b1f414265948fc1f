"""The operators of the volume, against Kubernetes' API: retries, races and what belongs to somebody else."""

import pytest

from tests.airflow.test_pods import RUN, rendered


@pytest.fixture
def claims(cluster):
    """The claims that there are."""
    return cluster.claims


def test_the_claim_is_created_as_planned(spaceflights, claims):
    """The claim has size and access modes, and says to which run it belongs."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute({})

    (claim,) = claims.values()
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert claim["metadata"]["annotations"] == {
        "kedro-airflow-k8s/dag-id": "spaceflights",
        "kedro-airflow-k8s/run-id": RUN,
    }


def test_a_retry_goes_on_with_its_own_claim(spaceflights, claims):
    """A second try of the task finds the claim of the first and is content."""
    task = rendered(spaceflights, "create_pipeline_storage")

    task.execute({})
    task.execute({})

    assert len(claims) == 1


def test_a_claim_of_somebody_else_is_an_error(spaceflights, claims):
    """A claim that happens to have the name, but is not of this run, is not used."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute({})
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    with pytest.raises(RuntimeError, match="exists, and is not of this run"):
        task.execute({})


def test_a_claim_that_is_being_deleted_is_not_used(spaceflights, claims):
    """It would vanish under the nodes."""
    task = rendered(spaceflights, "create_pipeline_storage")
    task.execute({})
    next(iter(claims.values()))["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    with pytest.raises(RuntimeError, match="is being deleted"):
        task.execute({})


def test_a_claim_of_somebody_else_is_not_deleted(spaceflights, claims):
    """What another made under that name is left alone."""
    rendered(spaceflights, "create_pipeline_storage").execute({})
    next(iter(claims.values()))["metadata"]["annotations"] = {"kedro-airflow-k8s/run-id": "another"}

    rendered(spaceflights, "delete_pipeline_storage").execute({})

    assert len(claims) == 1


def test_a_claim_that_is_gone_is_deleted(spaceflights, claims):
    """Deleting twice is as good as deleting once."""
    rendered(spaceflights, "create_pipeline_storage").execute({})
    task = rendered(spaceflights, "delete_pipeline_storage")

    task.execute({})
    task.execute({})

    assert claims == {}
