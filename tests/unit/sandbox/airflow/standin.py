"""A stand-in for an environment with Airflow: the same commands and health endpoints, up in a tenth of a second."""

import json
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

from kedro_airflow_k8s.sandbox.airflow import database

SCHEMA = """
CREATE TABLE ab_user (username, password);
INSERT INTO ab_user VALUES ('admin', '');
CREATE TABLE variable (id INTEGER PRIMARY KEY, key, val, is_encrypted);
"""
SCRIPT = '''#!{python} -ISs
import json, os, pathlib, sqlite3, subprocess, sys, time

command = sys.argv[1]
bin_folder = pathlib.Path(__file__).parent
plan = json.loads((bin_folder / "plan.json").read_text())
with (bin_folder / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
database = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///").partition("?")[0]
(bin_folder / f"environment-{{command}}.json").write_text(json.dumps(dict(os.environ)))

for line in plan.get(command, {{}}).get("says", []):
    print(line, file=sys.stderr, flush=True)
if "exits" in plan.get(command, {{}}):
    time.sleep(plan[command].get("after", 0))
    sys.exit(plan[command]["exits"])

if command == "db":
    with sqlite3.connect(database) as connection:
        connection.executescript("""{schema}""")
if command in ("db", "users", "sync-perm"):
    sys.exit()
if command == "scheduler":
    # A task of LocalExecutor: its own session, deaf to a polite signal, its parent gone.
    orphan = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    start = "import subprocess, sys; subprocess.Popen([sys.executable, '-ISc', sys.argv[1]], start_new_session=True)"
    subprocess.run([sys.executable, "-ISc", start, orphan])
    (pathlib.Path(database).parent / "scheduler-is-up").touch()
if command not in ("webserver", "api-server"):
    time.sleep(600)

import base64, hashlib, http.server


def lets_in(user, password):
    if command == "api-server":
        known = json.loads(pathlib.Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text())
        return known.get(user) == password
    with sqlite3.connect(database) as connection:
        (stored,) = connection.execute("SELECT password FROM ab_user WHERE username = ?", [user]).fetchone()
    method, salt, digest = stored.split("$")
    _, algorithm, rounds = method.split(":")
    return digest == hashlib.pbkdf2_hmac(algorithm, password.encode(), salt.encode(), int(rounds)).hex()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self):
        names = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        if self.path in ("/health", "/api/v2/monitor/health"):
            up = plan.get("healthy", True) and (pathlib.Path(database).parent / "scheduler-is-up").exists()
            self.answer(200, {{name: {{"status": "healthy" if up else "unhealthy"}} for name in names}})
        else:
            user, _, password = base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
            self.answer(200 if lets_in(user, password) else 403, {{}})

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201 if lets_in(told["username"], told["password"]) else 401, {{}})


port = os.environ["AIRFLOW__WEBSERVER__WEB_SERVER_PORT" if command == "webserver" else "AIRFLOW__API__PORT"]
http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
'''


def environment(folder: Path, version: str = "3.3.2", **plan: object) -> Path:
    """Make an environment that claims to hold that Airflow, and the database it starts with; return its Python.

    A plan such as `scheduler={"says": ["boom"], "exits": 3, "after": 0.5}` tells what goes wrong.
    """
    programs = folder / "bin"
    libraries = folder / "lib" / "python3.11" / "site-packages" / f"apache_airflow-{version}.dist-info"
    programs.mkdir(parents=True)
    libraries.mkdir(parents=True)
    (libraries / "METADATA").write_text(f"Metadata-Version: 2.1\nName: apache-airflow\nVersion: {version}\n")
    (programs / "plan.json").write_text(json.dumps(plan))
    (programs / "airflow").write_text(SCRIPT.format(python=sys.executable, schema=SCHEMA))
    (programs / "airflow").chmod(stat.S_IRWXU)
    (programs / "python").symlink_to(sys.executable)
    with closing(sqlite3.connect(folder / database.TEMPLATE)) as template:
        template.executescript(SCHEMA)
    return programs / "python"


def calls(python: Path) -> list[str]:
    """Return the commands that Airflow was given, in order."""
    file = python.parent / "calls"
    return file.read_text().splitlines() if file.exists() else []


def variables(python: Path, command: str) -> dict[str, str]:
    """Return the environment variables that a command of Airflow saw."""
    return json.loads((python.parent / f"environment-{command}.json").read_text())
