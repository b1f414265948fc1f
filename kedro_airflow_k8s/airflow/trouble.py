"""Why a request got no answer: what the libraries raise, told in words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import requests

from kedro_airflow_k8s.addresses import public


@dataclass(frozen=True)
class Trouble:
    """Why there is no answer; `sent`: the server may have got the request, `passing`: trying again may help."""

    reason: str
    sent: bool
    passing: bool


OVERDUE = Trouble("timed out", sent=True, passing=True)


def diagnose(error: requests.RequestException) -> Trouble:
    """Find the reason in what `requests` raised, whose own text tells more of the library than of the cause."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        inner = _connection(causes)
        detail = f": {inner.reason}" if inner else ""
        return Trouble(f"the proxy that HTTP_PROXY or HTTPS_PROXY names does not help{detail}", False, True)
    return _tls(causes) or _connection(causes) or _exchange(error)


def is_address(url: str) -> bool:
    """Tell whether a request can be sent to an address, as far as one can see without sending it."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        # `requests` sends a user and a password in Latin-1.
        unquote(parts.netloc.rpartition("@")[0]).encode("latin-1")
        requests.PreparedRequest().prepare_url(url, None)
        return parts.scheme in {"http", "https"} and parts.port != 0
    except (ValueError, requests.RequestException):
        return False


def misaddressed() -> Trouble:
    """Say whose address is none; the one that the request is for has been looked at before."""
    for scheme, proxy in getproxies().items():
        if scheme in {"http", "https", "all"} and not is_address(proxy if "://" in proxy else f"http://{proxy}"):
            return Trouble(
                f"{scheme.upper()}_PROXY should be the address of a proxy, such as http://proxy.example.com:3128, got"
                f" {public(proxy)!r}",
                sent=False,
                passing=False,
            )
    return Trouble("it sends requests on to what is not an address", sent=False, passing=False)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it wraps, whichever way the versions of urllib3 do it."""
    pending, seen = [error], set()
    while pending:
        cause = pending.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        pending += [each for each in inner if isinstance(each, BaseException)]


def _tls(causes: tuple[BaseException, ...]) -> Trouble | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble(
                f"its certificate is not trusted ({cause.verify_message}); AIRFLOW__CLIENT__SSL_VERIFY can name"
                " the CA bundle to trust",
                sent=False,
                passing=False,
            )
        if isinstance(cause, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(cause):
            return Trouble("it does not speak TLS; does its address begin with http://?", sent=False, passing=False)
        if isinstance(cause, ssl.SSLError):
            return Trouble("the TLS connection failed", sent=False, passing=True)
    return None


def _connection(causes: tuple[BaseException, ...]) -> Trouble | None:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            passing = cause.errno == socket.EAI_AGAIN
            return Trouble("the host name is not found", sent=False, passing=passing)
        if isinstance(cause, ConnectionRefusedError):
            return Trouble("connection refused", sent=False, passing=True)
        if isinstance(cause, requests.exceptions.ConnectTimeout):
            return Trouble("timed out while connecting", sent=False, passing=True)
        if isinstance(cause, OSError) and cause.strerror and type(cause) is OSError:
            # No route to the host, a network that is down, and their like.
            return Trouble(cause.strerror[0].lower() + cause.strerror[1:], sent=False, passing=True)
    return None


def _exchange(error: requests.RequestException) -> Trouble:
    if isinstance(error, requests.exceptions.Timeout):
        return OVERDUE
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return misaddressed()
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return Trouble("the connection was lost", sent=True, passing=True)
    # Only the name: the text of an error may quote what was sent.
    return Trouble(type(error).__name__, sent=True, passing=False)
