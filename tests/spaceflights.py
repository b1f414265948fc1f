"""The project that most tests run."""

import importlib.metadata
import re
import shutil
from pathlib import Path

PROJECT = Path(__file__).parent / "projects/spaceflights"


def copy(folder: Path) -> Path:
    """Copy the project into the folder, for the Kedro that is installed here."""
    project = Path(shutil.copytree(PROJECT, folder / "spaceflights"))
    settings = project / "pyproject.toml"
    kedro = f'kedro_init_version = "{importlib.metadata.version("kedro")}"'
    settings.write_text(re.sub('kedro_init_version = ".*"', kedro, settings.read_text(encoding="utf-8")), "utf-8")
    return project
