"""The metadata database of a fresh Airflow: made once per environment, then copied, and given a password."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from kedro_airflow_k8s.errors import SandboxError
from kedro_airflow_k8s.sandbox.airflow import settings
from kedro_airflow_k8s.sandbox.airflow.settings import AirflowFolder

# Lies in the folder of the environment whose Airflow made it.
TEMPLATE = "airflow.db"


async def make(python: Path, target: Path, work: Path | None = None) -> None:
    """Write the database that the Airflow of that Python starts with, and its administrator where users are kept there.

    Takes Airflow about 10 s. What it needs meanwhile lies in `work`, by default in the system's temporary folder.
    Raise SandboxError with its last lines if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="airflow-k8s-", dir=work) as temporary:
        folder = AirflowFolder(Path(temporary))
        folder.lay_out()
        await airflow(python, folder, "db", "migrate")
        if settings.major(settings.version(python)) == 2:
            person = (
                "--username",
                settings.USERNAME,
                "--firstname",
                "Sand",
                "--lastname",
                "Box",
                "--email",
                "sand@box.invalid",
            )
            await airflow(python, folder, "users", "create", "--role", "Admin", "--use-random-password", *person)
            await airflow(python, folder, "sync-perm")
        with closing(sqlite3.connect(folder.database)) as database:
            # Kept in the file: readers then need not wait for a writer.
            database.execute("PRAGMA journal_mode=WAL")
        unfinished = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
        shutil.copyfile(folder.database, unfinished)
        unfinished.replace(target)


async def airflow(python: Path, folder: AirflowFolder, *arguments: str) -> None:
    """Run a command of that Airflow to its end; raise SandboxError with its last lines if it fails."""
    process = await asyncio.create_subprocess_exec(
        str(python.parent / "airflow"),
        *arguments,
        cwd=folder.root,
        env=settings.base(python, folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        command = " ".join(["airflow", *arguments[:2]])
        raise SandboxError(
            f"`{command}` failed with exit status {process.returncode}:\n{last_lines(output.decode(errors='refolder'))}"
        )


def last_lines(text: str) -> str:
    """Return the last lines of what a process wrote, indented."""
    return "\n".join(f"  {line}" for line in text.splitlines()[-20:]) or "  (it wrote nothing)"


def set_password(database: Path, password: str) -> None:
    """Give the administrator in an Airflow 2 database that password."""
    salt = secrets.token_hex(8)
    # In the format of werkzeug's hashes. The password is long and random: a hash made slow on purpose would only slow
    # down every request of the API.
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 1000).hex()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE ab_user SET password = ? WHERE username = ?",
            (f"pbkdf2:sha256:1000${salt}${digest}", settings.USERNAME),
        )


def add_variables(database: Path, variables: Mapping[str, str]) -> None:
    """Add Airflow Variables to a database.

    Environment variables `AIRFLOW_VAR_...` would not show in the UI, and cannot have every name; to import a file takes
    Airflow 5 s.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO variable (key, val, is_encrypted) VALUES (?, ?, ?)",
            [(name, value, False) for name, value in variables.items()],
        )
