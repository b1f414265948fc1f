"""An emulated Kubernetes cluster: an API server on loopback whose pods are processes of this machine."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from kedro_airflow_k8s.sandbox.cluster.api.resources import Api
from kedro_airflow_k8s.sandbox.cluster.image import Image
from kedro_airflow_k8s.sandbox.cluster.kubelet import Kubelet
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Refusal, forbidden, method_not_allowed, no_such_resource
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store
from kedro_airflow_k8s.sandbox.cluster.settings import DEFAULT, ClusterSettings

logger = logging.getLogger(__name__)

_ADDRESS = "127.0.0.1"
# A label selector names every label of a task: far beyond what an HTTP server expects of an address.
_LONGEST_LINE = 64 * 1024
_LARGEST_BODY = 3 * 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Cluster:
    """A cluster with the given secrets in every namespace; all its files lie below `root`.

    A request must carry `token` as a bearer token, if there is one. Not emulated: limits of CPU, taints, probes,
    read-only mounts, and absolute paths of the image in what is not a command of the pod's own.
    """

    def __init__(
        self,
        *,
        image: Image,
        root: Path,
        secrets: Mapping[str, Mapping[str, str]],
        token: str | None = None,
        settings: ClusterSettings = DEFAULT,
    ) -> None:
        self._root = root
        self._token = token
        self._store = Store()
        self._kubelet = Kubelet(self._store, image, root.resolve(), secrets, settings)
        self._stopping = False
        application = web.Application(middlewares=[self._answer], client_max_size=_LARGEST_BODY)
        application.add_routes(Api(self._store, self._kubelet, secrets, settings).routes())
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            # Whoever drops a watch or a log that nothing happens in would leave its task behind otherwise.
            handler_cancellation=True,
            max_line_size=_LONGEST_LINE,
            shutdown_timeout=0.2,
        )

    async def start(self) -> str:
        """Build the image, bind a port of this machine, and return the address of the API server.

        Raises ClusterError if the project cannot be copied.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        await self._kubelet.start()
        await self._runner.setup()
        await web.TCPSite(self._runner, _ADDRESS, 0).start()
        return f"http://{_ADDRESS}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Kill every process of every pod, and close the port; the files below `root` stay."""
        self._stopping = True
        try:
            await self._kubelet.stop()
        finally:
            await self._runner.cleanup()

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in whom the cluster is for, and turn every failure into a `Status`."""
        try:
            self._admit(request)
            response = await handler(request)
        except Refusal as refusal:
            response = web.json_response(refusal.status, status=refusal.code)
        except web.HTTPRequestEntityTooLarge as error:
            response = _refuse(Refusal(413, "RequestEntityTooLarge", error.text or error.reason))
        except web.HTTPMethodNotAllowed:
            response = _refuse(method_not_allowed(request.method))
        except web.HTTPNotFound:
            response = _refuse(no_such_resource(request.path))
        except ConnectionError:
            raise  # the client went while it was being answered
        except Exception as error:
            logger.exception("%s %s failed", request.method, request.path_qs)
            response = _refuse(Refusal(500, "InternalError", f"Internal error occurred: {error!r}"))
        logger.debug("%s %s: %s", request.method, request.path_qs, response.status)
        return response

    def _admit(self, request: web.Request) -> None:
        if self._stopping:
            raise Refusal(503, "ServiceUnavailable", "the cluster is being stopped")
        # A page in the user's browser can reach loopback too, and a pod is a program that runs. A page cannot choose
        # the origin its browser tells; that of a websocket client is the server itself.
        own, host = f"http://{request.host}", request.host.partition(":")[0]
        if request.headers.get("Origin", own) != own or host not in (_ADDRESS, "localhost"):
            raise forbidden("the sandbox's cluster answers only programs of this machine, no web page")
        if self._token is not None:
            given = request.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                raise Refusal(401, "Unauthorized", "Unauthorized")


def _refuse(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.status, status=refusal.code)
