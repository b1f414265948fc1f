"""The cluster that `airflow-k8s-sandbox.yaml` describes."""

import json
from dataclasses import asdict

from kedro_airflow_k8s.config import load_sandbox
from kedro_airflow_k8s.sandbox.cluster import settings
from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings, NodeSize, StorageClass
from kedro_airflow_k8s.sandbox.cluster_settings import cluster_settings


def described(**cluster):
    return cluster_settings(load_sandbox({"cluster": cluster}, ["file"]).cluster)


def test_an_empty_file_describes_the_default():
    """It has one storage class, a large node, and whatever else a pod names."""
    assert ClusterSettings() == described()


def test_every_key_arrives():
    """The settings are those of the file, and survive the way to the supervisor."""
    found = described(
        storage_classes={
            "nfs": {"access_modes": ["ReadWriteMany"], "binding_mode": "WaitForFirstConsumer"},
            "gp3": None,
        },
        node={"resources": {"cpu": 8, "nvidia.com/gpu": 1}, "labels": {"pool": "ml"}},
        namespaces=["airflow"],
        service_accounts=["kedro"],
        images=["demo:1"],
        pod_security="restricted",
    )

    assert found == ClusterSettings(
        storage_classes={
            "standard": StorageClass(),
            "nfs": StorageClass(("ReadWriteMany",), waits_for_consumer=True),
            "gp3": StorageClass(),
        },
        node=NodeSize({"cpu": "8", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "1"}, labels={"pool": "ml"}),
        namespaces=("airflow",),
        service_accounts=("kedro",),
        images=("demo:1",),
        restricted=True,
    )
    assert found == settings.load(json.loads(json.dumps(asdict(found))))
