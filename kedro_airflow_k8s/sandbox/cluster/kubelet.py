"""The pods of the emulated cluster, each a process or a few of this machine."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.control.claims import Claims
from kedro_airflow_k8s.sandbox.cluster.control.scheduler import Scheduler
from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store, now
from kedro_airflow_k8s.sandbox.cluster.pod import states
from kedro_airflow_k8s.sandbox.cluster.pod.environment import Secrets
from kedro_airflow_k8s.sandbox.cluster.pod.node import ClusterNode
from kedro_airflow_k8s.sandbox.cluster.pod.process import end_residents
from kedro_airflow_k8s.sandbox.cluster.pod.run import PodRun
from kedro_airflow_k8s.sandbox.cluster.pod.trash import Trash
from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings


class Kubelet:
    """Runs the pods that are added to a store, and deletes them."""

    def __init__(self, store: Store, image: Image, root: Path, secrets: Secrets, settings: ClusterSettings) -> None:
        self._trash = Trash(root)
        self.claims = Claims(store, root, settings.storage_classes, settings.default_storage_class)
        self._store = store
        self._root = root
        self._node = ClusterNode(
            store,
            image,
            root / "image",
            root,
            secrets,
            self.claims,
            Scheduler(store, self.claims, settings.node),
            settings.images,
        )
        self._runs: dict[str, PodRun] = {}
        self._leaving: set[str] = set()

    async def start(self) -> None:
        """Build the image that all pods run; raise ClusterError if that fails."""
        over = threading.Event()
        try:
            await asyncio.to_thread(self._node.image.build, self._node.built, over.is_set)
        except asyncio.CancelledError:
            # The thread would go on for as long as the project is large.
            over.set()
            raise

    async def stop(self) -> None:
        """Kill every process of every pod, and wait until they are gone; the files stay."""
        runs = list(self._runs.values())
        for run in runs:
            run.end(0)
        await asyncio.gather(*(run.task for run in runs))
        await asyncio.to_thread(end_residents, self._root)
        await self._trash.close()

    def create(self, pod: Json) -> None:
        """Add a pod that was checked, and set it going."""
        spec = pod["spec"]
        spec.setdefault("terminationGracePeriodSeconds", 30)
        spec.setdefault("serviceAccountName", "default")
        pod["status"] = {"phase": "Pending", "qosClass": states.qos(spec)}
        self._store.add("pods", pod)
        uid = pod["metadata"]["uid"]
        self._runs[uid] = PodRun(pod, self._node, lambda: self._ended(uid))

    def run(self, pod: Json) -> PodRun:
        """Return the run of a pod of the store."""
        return self._runs[pod["metadata"]["uid"]]

    def delete(self, pod: Json, grace: int | None) -> None:
        """Delete a pod as soon as its processes have ended, for which they have `grace` seconds; None: as it says."""
        metadata, spec = pod["metadata"], pod["spec"]
        run = self.run(pod)
        if grace is None:
            grace = spec["terminationGracePeriodSeconds"]
        if run.over or "nodeName" not in spec:
            grace = 0
        grace = min(grace, metadata.get("deletionGracePeriodSeconds", grace))
        metadata.update(deletionTimestamp=now(ahead=grace), deletionGracePeriodSeconds=grace)
        self._store.save("pods", pod)
        self._leaving.add(metadata["uid"])
        run.end(grace)
        if grace == 0:
            self._remove(pod)
        if run.over:
            self._clear(run)

    def _ended(self, uid: str) -> None:
        run = self._runs[uid]
        if uid in self._leaving:
            metadata = run.pod["metadata"]
            # With no grace the object went at once, and another pod may have its name.
            if self._store.find("pods", metadata["namespace"], metadata["name"]) is run.pod:
                self._remove(run.pod)
            self._clear(run)

    def _remove(self, pod: Json) -> None:
        self._store.remove("pods", pod)
        self.claims.release()

    def _clear(self, run: PodRun) -> None:
        uid = run.pod["metadata"]["uid"]
        del self._runs[uid]
        self._leaving.discard(uid)
        self._trash.throw(run.folder)
        self._trash.throw(run.scratch)
