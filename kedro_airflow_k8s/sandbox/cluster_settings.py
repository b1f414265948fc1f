"""The cluster that a user's file describes, as the emulation takes it."""

from __future__ import annotations

from kedro_airflow_k8s.config.sandbox import SandboxCluster
from kedro_airflow_k8s.sandbox.cluster.settings import STANDARD, ClusterSettings, NodeSize, StorageClass


def cluster_settings(config: SandboxCluster) -> ClusterSettings:
    """Return the settings of the cluster that the file describes."""
    classes = {
        name: StorageClass(entry.access_modes, entry.binding_mode == "WaitForFirstConsumer")
        for name, entry in config.storage_classes.items()
    }
    return ClusterSettings(
        storage_classes={STANDARD: StorageClass(), **classes},
        node=NodeSize({**NodeSize().resources, **config.node.resources}, config.node.labels),
        namespaces=config.namespaces,
        service_accounts=config.service_accounts,
        images=config.images,
        restricted=config.pod_security == "restricted",
    )
