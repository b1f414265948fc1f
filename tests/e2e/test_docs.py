"""The quickstart, copied from its page command by command, from `kedro new` to a scheduled DAG in a real Airflow."""

import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s.airflow import AirflowClient, connect
from kedro_airflow_k8s.sandbox import session
from kedro_airflow_k8s.sandbox.airflow import install
from kedro_airflow_k8s.sandbox.session import Sandbox, Setup
from tests.docs import shell
from tests.docs.pages import PAGES
from tests.e2e.conftest import shown

# Pages with commands that need an Airflow. Runs take long: those of other pages are only parsed, in tests/docs.
OTHERS = ["authentication.md", "aws.md", "ci.md"]


QUICKSTART = PAGES["quickstart.md"]
# Up to here a reader needs no Airflow; what the image holds is what the project is here.
PUSHED = next(number for number, block in enumerate(QUICKSTART) if block.marks.get("needs") == "airflow")
CACHE = {"KEDRO_AIRFLOW_K8S_CACHE": str(install.cache_folder())}


@dataclass(frozen=True)
class Reader:
    """Somebody who has followed the quickstart to where it needs an Airflow, and who has one."""

    project: Path
    server: Sandbox
    client: AirflowClient

    def follow(self, blocks, **environment):
        """Do what the blocks say, with what the reader's own Airflow is called."""
        return shell.run(
            blocks,
            self.project,
            self.project.parent / "home",
            without=("run",),
            replaced={
                "AIRFLOW_API_USERNAME=me": f"AIRFLOW_API_USERNAME={self.server.username}",
                "AIRFLOW_API_PASSWORD=my-password": f"AIRFLOW_API_PASSWORD={self.server.password}",
            },
            environment=environment,
        )


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """What came of the quickstart's part that needs no Airflow but the sandbox's own."""
    folder = tmp_path_factory.mktemp("reader")
    return folder, shell.run(QUICKSTART[:PUSHED], folder, folder / "home", environment=CACHE)


@pytest.fixture(scope="module")
def reader(begun):
    """A reader whose Airflow runs pods of the project as it was pushed."""
    folder, done = begun
    assert done.returncode == 0, done.stdout + done.stderr
    project = folder / "price-model"
    with session.started(
        Setup(install.ensure(None, print), project, PurePosixPath("/home/kedro_docker"), {}, {}), print
    ) as server:
        settings = project / "conf/base/airflow-k8s.yaml"
        own = {"https://airflow.example.com": server.url, "gs://my-bucket/dags": str(server.dags)}
        text = settings.read_text(encoding="utf-8")
        for theirs, ours in own.items():
            text = text.replace(theirs, ours)
        settings.write_text(text, encoding="utf-8")
        login = {"AIRFLOW_API_USERNAME": server.username, "AIRFLOW_API_PASSWORD": server.password}
        yield Reader(project, server, connect(server.url, login))
        server.check()


@pytest.fixture(scope="module")
def scheduled(reader):
    """What came of the quickstart's rest."""
    return reader.follow(QUICKSTART[PUSHED:])


def test_the_quickstart_begins_well(begun):
    """Its commands, and nothing else, make a project, compile it, run it in the sandbox and make its image."""
    _, done = begun

    assert done.returncode == 0, done.stdout + done.stderr
    assert "What the run left in its volume is in" in done.stderr


def test_the_quickstart_ends_well(reader, scheduled):
    """The rest of them run the project on Airflow and schedule it there."""
    assert scheduled.returncode == 0, scheduled.stdout + scheduled.stderr
    assert "its next run starts at" in scheduled.stderr
    assert f"{reader.server.url}/dags/price-model\n" in scheduled.stdout

    deadline = time.monotonic() + 120
    while (dag := reader.client.dag("price-model")).schedule != "0 6 * * *" and time.monotonic() < deadline:
        reader.client.request_parsing(dag)
        time.sleep(1)
    assert "0 6 * * *" == dag.schedule


@pytest.mark.parametrize("page", OTHERS)
def test_the_commands_of_another_page_work(reader, scheduled, page):
    """The commands of a page that ask Airflow do what the page says, in the project of the quickstart."""
    assert scheduled.returncode == 0
    login = {"AIRFLOW_API_USERNAME": reader.server.username, "AIRFLOW_API_PASSWORD": reader.server.password}
    token = shown(reader.client)

    done = reader.follow(PAGES[page], **login, STUB_ANSWER=token)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_that_needs_an_airflow_is_followed():
    """No page needs an Airflow and is not followed here; the command of the sandbox is that of the quickstart."""
    needing = {
        need: {name for name, blocks in PAGES.items() if any(block.marks.get("needs") == need for block in blocks)}
        for need in ("airflow", "sandbox")
    }
    commands = {
        tuple(line for line in block.text.splitlines() if line.startswith("kedro"))
        for blocks in PAGES.values()
        for block in blocks
        if block.marks.get("needs") == "sandbox"
    }

    assert {"quickstart.md", *OTHERS} == needing["airflow"]
    assert {("kedro airflow-k8s sandbox",)} == commands
