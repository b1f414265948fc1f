"""The source that distributions are built from."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy(folder: Path) -> Path:
    """Copy what a build reads, without what an earlier build has left beside it."""
    source = folder / "source"
    shutil.copytree(
        ROOT / "kedro_airflow_k8s", source / "kedro_airflow_k8s", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("LICENSE", "README.md", "setup.cfg", "setup.py"):
        shutil.copy(ROOT / name, source)
    return source
