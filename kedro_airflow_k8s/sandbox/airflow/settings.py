"""How the sandbox's Airflow is configured: by environment variables alone, none of them the user's."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from kedro_airflow_k8s.errors import SandboxError

USERNAME = "admin"


@dataclass(frozen=True)
class AirflowFolder:
    """The folder of one Airflow, and what lies where in it."""

    root: Path

    @property
    def dags(self) -> Path:
        """The folder from which Airflow reads DAGs."""
        return self.root / "dags"

    @property
    def logs(self) -> Path:
        """What Airflow's own processes wrote; the logs of tasks lie below `airflow`."""
        return self.root / "logs"

    @property
    def database(self) -> Path:
        """The metadata database, a SQLite file."""
        return self.root / "airflow.db"

    @property
    def passwords(self) -> Path:
        """The passwords of Airflow 3's users."""
        return self.root / "passwords.json"

    @property
    def kubeconfig(self) -> Path:
        """How to reach the cluster."""
        return self.root / "kubeconfig"

    def lay_out(self) -> None:
        """Make the folders that Airflow's processes expect."""
        for path in (self.root, self.dags, self.logs, self.root / "airflow", self.root / "home", self.root / "tmp"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Else each process writes a sample of 2000 lines on its start, racing with the others.
        (self.root / "airflow" / "airflow.cfg").touch()


def version(python: Path) -> str:
    """Return the version of the Airflow in that Python's environment; raise SandboxError if there is none."""
    libraries = [str(path) for path in python.parent.parent.glob("lib/python3*/site-packages")]
    for found in Distribution.discover(name="apache-airflow", path=libraries):
        return found.version
    raise SandboxError(f"{python.parent.parent} holds no Airflow; remove the folder, and it will be made anew.")


def major(version: str) -> int:
    """Return 2 or 3."""
    return int(version.split(".")[0])


def base(python: Path, folder: AirflowFolder) -> dict[str, str]:
    """Return what every command of that Airflow needs: a clean environment and the database."""
    # Without these, macOS kills tasks: it forbids a forked process to ask the system, for one about its proxies.
    forks = {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "no_proxy": "*"} if sys.platform == "darwin" else {}
    return {
        **forks,
        "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder.root / "home"),
        "TMPDIR": str(folder.root / "tmp"),
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": str(folder.root / "airflow"),
        # With SQLite a writer waits for the others; the default of 5 s is too short on a busy machine.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder.database}?timeout=60",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder.dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # The full name of a machine can take a DNS server's time-out.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
        "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
    }


def keys() -> dict[str, str]:
    """Return the secrets that all processes of one Airflow share: made for it, and gone with it."""
    secret = secrets.token_hex(32)
    return {
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API__SECRET_KEY": secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": secret,
        "AIRFLOW__CORE__INTERNAL_API_SECRET_KEY": secret,
        "AIRFLOW__WEBSERVER__SECRET_KEY": secret,
    }


def common(folder: AirflowFolder, parallelism: int) -> dict[str, str]:
    """Return what the running Airflow needs in addition, whichever it is: quick to see a DAG, tasks on this machine."""
    return {
        "KUBECONFIG": str(folder.kubeconfig),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_FETCH_INTERVAL": "0",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    }


def airflow2(port: int) -> dict[str, str]:
    """Return what only Airflow 2 understands."""
    return {
        "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.session",
        "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "1",
        "AIRFLOW__WEBSERVER__BASE_URL": url(port),
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__WORKERS": "1",
        # A browser keeps connections open, on which a worker without threads would wait while the API is asked.
        "GUNICORN_CMD_ARGS": "--threads=4",
    }


def airflow3(port: int, folder: AirflowFolder) -> dict[str, str]:
    """Return what only Airflow 3 understands."""
    return {
        "AIRFLOW__API__BASE_URL": url(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url(port)}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USERNAME}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder.passwords),
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    }


def url(port: int) -> str:
    """Return the address of Airflow's web server."""
    return f"http://127.0.0.1:{port}"


def kubeconfig(cluster: str, token: str) -> str:
    """Return the text of a kubeconfig for the API server at that address, which asks for that token."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": cluster}}],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "current-context": "sandbox",
    }
    return json.dumps(content, indent=2)
