"""How the operators log in to MLflow: one class for each way that `run_config.authentication` can name."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


class MLflowUnavailable(Exception):
    """MLflow, or what logs in to it, did not answer; asking again may help."""


class AuthHandler:
    """Tells how a request to MLflow says who sends it; what it knows for that is kept nowhere."""

    def authorization(self, context: Any) -> Callable[[Any], Any]:
        """Return what `requests` takes as `auth`."""
        value = self.header(context)

        # Not a header of the request itself: a .netrc file would replace that.
        def authorize(request: Any) -> Any:
            request.headers["Authorization"] = value
            return request

        return authorize

    def header(self, context: Any) -> str:
        """Return the value of the header."""
        raise NotImplementedError


class VarsAuthHandler(AuthHandler):
    """Log in with Variables of Airflow, or with Connections of the same names where there are any.

    `variables` are MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. Of a Connection the
    password counts, for the user's name its login.
    """

    def __init__(self, *, variables: list[str]) -> None:
        self.variables = variables

    def header(self, context: Any) -> str:
        import base64

        values = {name: self._value(context, name) for name in self.variables}
        if "MLFLOW_TRACKING_TOKEN" in values:
            return f"Bearer {values['MLFLOW_TRACKING_TOKEN']}"
        pair = f"{values['MLFLOW_TRACKING_USERNAME']}:{values['MLFLOW_TRACKING_PASSWORD']}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _value(self, context: Any, name: str) -> str:
        connection = context["conn"].get(name, None)
        field = "login" if name.endswith("USERNAME") else "password"
        value = context["var"]["value"].get(name, None) if connection is None else getattr(connection, field)
        if not value:
            lacking = "neither a Connection nor a Variable" if connection is None else f"no {field} in the Connection"
            raise RuntimeError(
                f"Airflow has {lacking} {name}, by which run_config.authentication of airflow-k8s.yaml says to log in"
                " to MLflow"
            )
        text = str(value).strip("\r\n")
        # What requests or Python would say of such a text shows it.
        if not text.isprintable() or (name.endswith("TOKEN") and not text.isascii()):
            raise RuntimeError(f"{name} in Airflow has a character that cannot be sent, such as a line break")
        return text


class GoogleOAuth2AuthHandler(AuthHandler):
    """Log in with an id token of Google's for the audience that the worker's variable GOOGLE_AUDIENCE names.

    It is made for the service account of GOOGLE_APPLICATION_CREDENTIALS, or of the machine that the worker runs on.
    """

    def header(self, context: Any) -> str:
        audience = os.environ.get("GOOGLE_AUDIENCE")
        if not audience:
            raise RuntimeError("The worker has no variable GOOGLE_AUDIENCE, which says for whom Google's token is")
        try:
            from google.auth.exceptions import GoogleAuthError, TransportError
            from google.auth.transport.requests import Request
            from google.oauth2.id_token import fetch_id_token
        except ImportError:
            raise RuntimeError("Airflow lacks google-auth, which GoogleOAuth2 needs; install it in Airflow") from None
        try:
            token: str = fetch_id_token(Request(), audience)
        except TransportError as error:
            raise MLflowUnavailable(f"Google does not answer: {error}") from None
        except (GoogleAuthError, ValueError) as error:
            raise RuntimeError(f"Google gives no id token for {audience}: {error}") from None
        return f"Bearer {token}"
