"""The project that the pages speak of: made by `kedro new` and the commands of the quickstart."""

import shutil
from pathlib import Path

import pytest

from tests.docs import shell
from tests.docs.pages import PAGES


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory):
    """Return the project that a reader of the quickstart has who has no Airflow."""
    folder = tmp_path_factory.mktemp("quickstart")
    done = shell.run(PAGES["quickstart.md"], folder, folder / "home", without=("airflow", "run", "sandbox"))

    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "price-model"


@pytest.fixture
def project(quickstart, tmp_path):
    """Return a copy of that project."""
    return Path(shutil.copytree(quickstart, tmp_path / "price-model", symlinks=True))
