"""Tokens as Airflow 3 makes them, but for when they are good."""

import base64
import hashlib
import hmac
import json
import time

from kedro_airflow_k8s.sandbox.cluster import processes
from tests.e2e.conftest import shown

KEY = "AIRFLOW__API_AUTH__JWT_SECRET"


def expired(lab):
    """Return the token of a minute ago's login, signed as Airflow does, which is no longer good."""
    header, payload, _ = shown(lab.client).split(".")
    now = int(time.time())
    claims = {**_read(payload), "exp": now - 60, "iat": now - 120, "nbf": now - 120}
    signed = f"{header}.{_write(json.dumps(claims).encode())}"
    return f"{signed}.{_write(hmac.new(_secret(lab), signed.encode(), hashlib.sha512).digest())}"


def _secret(lab):
    environments = (process.environ() for process in processes.residents(lab.server.dags.parent))
    return next(environment[KEY] for environment in environments if KEY in environment).encode()


def _read(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _write(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
