"""Persistent volume claims: each is a folder, bound as soon as it exists and kept while a pod names it."""

from __future__ import annotations

from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now

RELEASED = "released"
"""Folder below the root with the files of claims that are deleted, each under its claim's uid."""
_RESOURCE = "persistentvolumeclaims"


class Claims:
    """The claims of a store, and their folders below `root`."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root

    def folder(self, namespace: str, name: str) -> Path:
        """Return where a claim's files lie."""
        return self._root / "claims" / namespace / name

    def problem(self, namespace: str, name: str) -> str | None:
        """Return why no pod can be scheduled that mounts this claim, in a scheduler's words; None if one can."""
        claim = self._store.find(_RESOURCE, namespace, name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        if "deletionTimestamp" in claim["metadata"]:
            return f'persistentvolumeclaim "{name}" is being deleted'
        return None

    def create(self, claim: Json) -> None:
        """Add a claim that was checked, and bind it to an empty folder."""
        metadata, spec = claim["metadata"], claim["spec"]
        self.folder(metadata["namespace"], metadata["name"]).mkdir(parents=True)
        metadata["finalizers"] = ["kubernetes.io/pvc-protection"]
        spec.setdefault("storageClassName", "standard")
        spec.setdefault("volumeMode", "Filesystem")
        self._store.add(_RESOURCE, claim)
        spec["volumeName"] = f"pvc-{metadata['uid']}"
        capacity = {"storage": str(spec["resources"]["requests"]["storage"])}
        claim["status"] = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}
        self._store.save(_RESOURCE, claim)

    def delete(self, claim: Json) -> None:
        """Mark a claim as to be deleted, and delete it unless a pod is in the way."""
        if "deletionTimestamp" not in claim["metadata"]:
            claim["metadata"].update(deletionTimestamp=now(), deletionGracePeriodSeconds=0)
            self._store.save(_RESOURCE, claim)
        self.release()

    def release(self) -> None:
        """Delete the claims that are to be deleted and that no pod with a node names, not even one that has ended."""
        for claim in self._store.all(_RESOURCE):
            metadata = claim["metadata"]
            namespace, name = metadata["namespace"], metadata["name"]
            if "deletionTimestamp" in metadata and not self._is_named(namespace, name):
                del metadata["finalizers"]
                # Whoever ran the sandbox may want to see what its pods wrote; the root goes away with the sandbox.
                kept = self._root / RELEASED / metadata["uid"]
                kept.parent.mkdir(exist_ok=True)
                self.folder(namespace, name).rename(kept)
                self._store.remove(_RESOURCE, claim)

    def _is_named(self, namespace: str, name: str) -> bool:
        # A pod without a node does not count: it gets none as long as the claim is being deleted.
        pods = (pod for pod in self._store.all("pods", namespace) if "nodeName" in pod["spec"])
        return any(name in claim_names(pod) for pod in pods)


def claim_names(pod: Json) -> tuple[str, ...]:
    """Return the names of the claims that a pod mounts."""
    sources = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes", [])]
    return tuple(source["claimName"] for source in sources if source)
