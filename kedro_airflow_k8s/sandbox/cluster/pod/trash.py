"""Folders that are no longer wanted: gone from their place at once, removed in the background."""

from __future__ import annotations

import asyncio
import logging
import uuid
from pathlib import Path

from kedro_airflow_k8s.sandbox.cluster.image import remove

logger = logging.getLogger(__name__)


class Trash:
    """Removes folders that lie on the same file system as its own below `root`."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "trash"
        self._removals: set[asyncio.Task[None]] = set()

    def throw(self, folder: Path) -> None:
        """Free the name of a folder, and begin to remove it; one that is not there is fine."""
        if folder.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            removal = asyncio.create_task(_remove(folder.rename(self._folder / uuid.uuid4().hex)))
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)

    async def close(self) -> None:
        """Wait until all is removed."""
        await asyncio.gather(*self._removals)


async def _remove(folder: Path) -> None:
    try:
        await asyncio.to_thread(remove, folder)
    except OSError as error:
        # Nobody waits for it, and it is out of the way; whoever made the root removes it in the end.
        logger.warning("%s could not be removed: %s", folder, error)
