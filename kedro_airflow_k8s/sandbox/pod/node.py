"""What all pods of the cluster run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kedro_airflow_k8s.sandbox.api.store import Store
from kedro_airflow_k8s.sandbox.image import Image
from kedro_airflow_k8s.sandbox.pod.claims import Claims
from kedro_airflow_k8s.sandbox.pod.environment import Secrets


@dataclass(frozen=True)
class Node:
    """What every pod needs: the built image, the secrets, the claims, and the folder for all files."""

    store: Store
    image: Image
    built: Path
    root: Path
    secrets: Secrets
    claims: Claims
