"""Removes the intermediate data of a run: `python -m kedro_airflow_k8s.image.clean ENV`, in a pod of the image."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.io import DatasetError

from kedro_airflow_k8s.contract import STORE, STORE_CREDENTIALS
from kedro_airflow_k8s.image import loader
from kedro_airflow_k8s.image.intermediate import store
from kedro_airflow_k8s.image.store import StoreError


def main(env: str, environment: Mapping[str, str]) -> str | None:
    """Remove the folder of the run, and return what went wrong."""
    try:
        there = store(_credentials(env) if environment.get(STORE_CREDENTIALS) else {}, environment).remove()
    except (DatasetError, StoreError) as error:
        return f"The intermediate data in {environment[STORE]} cannot be removed: {error}"
    print(f"{'Removed' if there else 'There is no'} intermediate data in {environment[STORE]}")  # noqa: T201
    return None


def _credentials(env: str) -> Mapping[str, Any]:
    from kedro.config import MissingConfigException
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    metadata = bootstrap_project(Path.cwd())
    loader.install()
    conf_source = str(Path(metadata.project_path) / settings.CONF_SOURCE)
    configuration: Any = settings.CONFIG_LOADER_CLASS(conf_source=conf_source, env=env, **settings.CONFIG_LOADER_ARGS)
    try:
        found: Mapping[str, Any] = configuration["credentials"]
    except MissingConfigException:
        return {}
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ))
