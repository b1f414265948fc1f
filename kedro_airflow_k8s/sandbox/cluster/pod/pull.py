"""Getting the image of a container: it is on the node, or the container waits for ever and says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from kedro_airflow_k8s.sandbox.cluster.objects import names
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json

# Seconds that a kubelet shows why a pull failed, and the first and the longest of its waits for the next one.
_SHOWN, _FIRST, _LONGEST = 1.0, 10.0, 300.0


@dataclass(frozen=True)
class Pull:
    """How a container gets its image. `wait` shows a reason and a message; `tell` adds an event, True for a warning."""

    images: tuple[str, ...] | None
    wait: Callable[[str, str], None]
    tell: Callable[[str, str, bool], None]

    async def get(self, container: Json) -> None:
        """Return when the image of a container is on the node."""
        image = container["image"]
        if not names.is_image(image):
            why = f'couldn\'t parse image name "{image}": invalid reference format'
            message = f'Failed to apply default image tag "{image}": {why}'
            await self._stay("InvalidImageName", "InspectFailed", message)
        if self.images is None or image in self.images:
            self.tell("Pulled", f'Container image "{image}" already present on machine', False)
        elif container.get("imagePullPolicy") == "Never":
            message = f'Container image "{image}" is not present with pull policy of Never'
            await self._stay("ErrImageNeverPull", "ErrImageNeverPull", message)
        else:
            await self._fail(image)

    async def _stay(self, reason: str, event: str, message: str) -> None:
        self.tell(event, message, True)
        self.tell("Failed", f"Error: {reason}", True)
        self.wait(reason, message)
        await asyncio.Event().wait()

    async def _fail(self, image: str) -> None:
        """Try again and again, which does not help: no image comes while the cluster is up."""
        resolved = image if ":" in image.rpartition("/")[2] else f"{image}:latest"
        failed = f'failed to pull and unpack image "{resolved}": failed to resolve reference "{resolved}"'
        why = f"rpc error: code = NotFound desc = {failed}: {resolved}: not found"
        pause = _FIRST
        while True:
            self.tell("Pulling", f'Pulling image "{image}"', False)
            self.tell("Failed", f'Failed to pull image "{image}": {why}', True)
            self.tell("Failed", "Error: ErrImagePull", True)
            self.wait("ErrImagePull", why)
            await asyncio.sleep(_SHOWN)
            self.tell("BackOff", f'Back-off pulling image "{image}"', False)
            self.tell("Failed", "Error: ImagePullBackOff", True)
            self.wait("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why}')
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST)
