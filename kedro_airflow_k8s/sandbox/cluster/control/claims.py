"""Persistent volume claims: each is a folder, bound as its storage class has it and kept while a pod names it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.objects.events import tell
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now
from kedro_airflow_k8s.sandbox.cluster.settings import StorageClass

RELEASED = "released"
"""Folder below the root with the files of claims that are deleted, each under its claim's uid."""
_RESOURCE = "persistentvolumeclaims"
_UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


class Claims:
    """The claims of a store, and their folders below `root`."""

    def __init__(self, store: Store, root: Path, classes: Mapping[str, StorageClass], default: str | None) -> None:
        self._store = store
        self._root = root
        self._classes = classes
        self._default = default

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
        if claim["status"]["phase"] == "Bound" or self._waits_for_consumer(claim):
            return None
        return _UNBOUND

    def create(self, claim: Json) -> None:
        """Add a claim that was checked; it is bound a moment later, if it is not bound for its first pod only."""
        metadata, spec = claim["metadata"], claim["spec"]
        self.folder(metadata["namespace"], metadata["name"]).mkdir(parents=True)
        metadata["finalizers"] = ["kubernetes.io/pvc-protection"]
        if self._default is not None:
            spec.setdefault("storageClassName", self._default)
        spec.setdefault("volumeMode", "Filesystem")
        claim["status"] = {"phase": "Pending"}
        self._store.add(_RESOURCE, claim)
        asyncio.get_running_loop().call_soon(self._provision, claim)

    def bind_for_pod(self, namespace: str, name: str) -> bool:
        """Bind a claim that has waited for its first pod; return whether it is bound now."""
        claim = self._store.find(_RESOURCE, namespace, name)
        if claim is not None and claim["status"]["phase"] != "Bound":
            self._bind(claim)
        return claim is not None and bool(claim["status"]["phase"] == "Bound")

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

    def _waits_for_consumer(self, claim: Json) -> bool:
        found = self._classes.get(claim["spec"].get("storageClassName", ""))
        return found is not None and found.waits_for_consumer

    def _provision(self, claim: Json) -> None:
        if self._waits_for_consumer(claim):
            tell(self._store, claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        else:
            self._bind(claim)

    def _bind(self, claim: Json) -> None:
        """Bind a claim to its folder, or say in an event why it cannot be."""
        spec, uid = claim["spec"], claim["metadata"]["uid"]
        if "deletionTimestamp" in claim["metadata"]:
            return
        name = spec.get("storageClassName", "")
        if not name:
            why = "no persistent volumes available for this claim and no storage class is set"
            tell(self._store, claim, "FailedBinding", why)
            return
        if name not in self._classes:
            why = f'storageclass.storage.k8s.io "{name}" not found'
            tell(self._store, claim, "ProvisioningFailed", why, warning=True)
            return
        modes = self._classes[name].access_modes
        if refused := [mode for mode in spec["accessModes"] if mode not in modes]:
            why = f"the provisioner only supports access mode {', '.join(modes)}, not {', '.join(refused)}"
            message = f'failed to provision volume with StorageClass "{name}": {why}'
            tell(self._store, claim, "ProvisioningFailed", message, warning=True)
            return
        spec["volumeName"] = f"pvc-{uid}"
        capacity = {"storage": str(spec["resources"]["requests"]["storage"])}
        claim["status"] = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}
        tell(self._store, claim, "ProvisioningSucceeded", f"Successfully provisioned volume pvc-{uid}")
        self._store.save(_RESOURCE, claim)


def claim_names(pod: Json) -> tuple[str, ...]:
    """Return the names of the claims that a pod mounts."""
    sources = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes", [])]
    return tuple(source["claimName"] for source in sources if source)
