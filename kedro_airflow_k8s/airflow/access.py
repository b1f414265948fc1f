"""What the environment says about access to Airflow: credentials, and which certificates to trust."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import requests

from kedro_airflow_k8s.errors import AirflowDenied, AirflowError
from kedro_airflow_k8s.model import Report

VARIABLES = "AIRFLOW_API_TOKEN, or AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD"


class Authorization(requests.auth.AuthBase):
    """The `Authorization` header of a request; an object of no visible content, so that no traceback can show it.

    To `requests` it is also the word that a `.netrc` file must not replace the header.
    """

    def __init__(self, header: str = "", *secrets: str) -> None:
        self._header = header
        # A shorter one is part of many texts, so hiding it would tell more than it hides.
        found = {form for secret in (header.partition(" ")[2], *secrets) if len(secret) > 3 for form in _forms(secret)}
        # The longest first: one may be a part of another.
        self._secrets = tuple(sorted(found, key=len, reverse=True))

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request."""
        if self._header:
            request.headers["Authorization"] = self._header
        return request

    def hide(self, text: str) -> str:
        """Return the text without the secrets in it."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _forms(secret: str) -> set[str]:
    """Return how a server may quote a secret: as it is, or escaped as in JSON, Python, HTML or an address."""
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return {secret, *quoted, html.escape(secret), quote(secret), quote(secret, safe=""), quote_plus(secret)}


class Login:
    """The authorization that requests are sent with; `fetch`, if there is one, gets a fresh one when it has expired."""

    def __init__(self, authorization: Authorization, fetch: Callable[[], Authorization] | None = None) -> None:
        self.authorization = authorization
        self._fetch = fetch

    def renew(self) -> bool:
        """Get a fresh authorization, and tell whether there is one."""
        if self._fetch is None:
            return False
        self.authorization = self._fetch()
        return True


def bearer(token: str, *secrets: str) -> Authorization:
    """Authorize with a token; `secrets` are what else must not be shown."""
    return Authorization(f"Bearer {token}", token, *secrets)


@dataclass(frozen=True)
class Credentials:
    """Who the user is to Airflow; all empty for nobody."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def authorization(self) -> Authorization:
        """How a request says so without a login: a token, or basic authentication."""
        if self.token:
            return bearer(self.token)
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return Authorization(f"Basic {pair}", self.password)
        return Authorization()

    @property
    def anonymous(self) -> Authorization:
        """No authorization, which still hides the password in what is shown of an answer."""
        return Authorization("", self.password)

    @property
    def described(self) -> str:
        """Which variables they come from."""
        if self.token:
            return "AIRFLOW_API_TOKEN"
        return "AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD" if self.username else ""


def is_token(text: str) -> bool:
    """Tell whether a text can be sent as a token."""
    return text.isascii() and text.isprintable() and text != "" and " " not in text


def credentials(environ: Mapping[str, str]) -> Credentials:
    """Read the credentials. Raises `AirflowDenied` for half a pair or a token that cannot be sent."""
    token = environ.get("AIRFLOW_API_TOKEN", "").strip()
    username, password = environ.get("AIRFLOW_API_USERNAME", ""), environ.get("AIRFLOW_API_PASSWORD", "")
    if token:
        if not is_token(token):
            raise AirflowDenied(
                "AIRFLOW_API_TOKEN holds a character that no token has, such as a space or a line break"
            )
        return Credentials(token=token)
    if bool(username) != bool(password):
        missing = "AIRFLOW_API_PASSWORD" if username else "AIRFLOW_API_USERNAME"
        raise AirflowDenied(f"{missing} is not set; a user name and a password are only of use together")
    try:
        f"{username}{password}".encode()
    except UnicodeEncodeError:
        # As its own text shows what it is about.
        raise AirflowDenied("AIRFLOW_API_USERNAME or AIRFLOW_API_PASSWORD is no text in UTF-8") from None
    return Credentials(username=username, password=password)


def verification(environ: Mapping[str, str], report: Report) -> bool | str:
    """Return what `requests` takes as `verify`: whether to check certificates, or the path of a CA bundle."""
    value = environ.get("AIRFLOW__CLIENT__SSL_VERIFY", "").strip()
    if value.lower() in {"", "true", "1", "yes", "on"}:
        return True
    if value.lower() in {"false", "0", "no", "off"}:
        report("Warning: AIRFLOW__CLIENT__SSL_VERIFY switches off the check of Airflow's certificate")
        return False
    bundle = Path(value).expanduser()
    if not os.access(bundle, os.R_OK):
        raise AirflowError(
            f"AIRFLOW__CLIENT__SSL_VERIFY: should be True, False or a CA bundle; {value!r} cannot be read"
        )
    return str(bundle)
