"""The one node of the cluster, on which all pods run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.control.claims import Claims
from kedro_airflow_k8s.sandbox.cluster.control.scheduler import Scheduler
from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store
from kedro_airflow_k8s.sandbox.cluster.pod.environment import Secrets


@dataclass(frozen=True)
class ClusterNode:
    """What every pod needs: the built image, the secrets, the claims, and the folder for all files.

    `images` are those that can be pulled, None for all.
    """

    store: Store
    image: Image
    built: Path
    root: Path
    secrets: Secrets
    claims: Claims
    scheduler: Scheduler
    images: tuple[str, ...] | None
