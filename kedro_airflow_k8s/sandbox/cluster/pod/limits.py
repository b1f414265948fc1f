"""Limits of a pod that are watched: memory, past which a container is killed, and disk, past which a pod is evicted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import psutil

from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json

# Seconds between two looks. A container that takes memory faster than that may pass its limit for a moment.
_MEMORY, _DISK = 0.1, 1.0
_STORAGE = "ephemeral-storage"


async def watch_memory(container: Json, pid: int, exceeded: Callable[[], None]) -> None:
    """Call `exceeded` once the processes of a container hold more memory than its limit; without a limit, return."""
    limit = names.quantity(container.get("resources", {}).get("limits", {}).get("memory", ""))
    while limit is not None:
        if memory(pid) > limit:
            exceeded()
            return
        await asyncio.sleep(_MEMORY)


def memory(pid: int) -> int:
    """Return the bytes of memory that a process and its descendants hold."""
    total = 0
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


async def watch_disk(spec: Json, folders: Collection[Path], exceeded: Callable[[str], None]) -> None:
    """Call `exceeded` with a kubelet's message once a pod has written more than the limits of its containers together.

    The files that are in `folders` when this is called are not counted. Without limits, return.
    """
    texts = [container.get("resources", {}).get("limits", {}).get(_STORAGE) for container in spec["containers"]]
    amounts = [names.quantity(text) for text in texts if text is not None]
    if not amounts:
        return
    limit = sum(amount or 0 for amount in amounts)
    before = await asyncio.to_thread(size, folders)
    while await asyncio.to_thread(size, folders) - before <= limit:
        await asyncio.sleep(_DISK)
    shown = texts[0] if len(amounts) == 1 else limit
    exceeded(f"Pod ephemeral local storage usage exceeds the total limit of containers {shown}. ")


def size(folders: Collection[Path]) -> int:
    """Return the bytes of the files in folders; volumes that are mounted by symbolic links do not count."""
    total = 0
    for folder in folders:
        for parent, _, files in os.walk(folder):
            for name in files:
                with suppress(OSError):
                    total += os.lstat(os.path.join(parent, name)).st_size
    return total
