"""Where the project lies in its image."""

from pathlib import PurePosixPath

import pytest

from kedro_airflow_k8s.project.docker import workdir
from kedro_airflow_k8s.sandbox.image_path import image_path


@pytest.mark.parametrize(
    ("dockerfile", "project_path", "found"),
    [
        ("FROM a\nWORKDIR /app\nCOPY . .\n", "/app", "/app"),
        ("FROM a\nWORKDIR /app\nCOPY . .\n", "/wrong", "/app"),
        ("FROM a\nCOPY --chown=999:0 . /project\nWORKDIR /\n", "/project", "/project"),
        ("FROM a\nWORKDIR /opt\nCOPY src/ app/\n", "/opt/app", "/opt/app"),
        ('FROM a\nWORKDIR /\nCOPY [".", "/app"]\n', "/app", "/app"),
        ("FROM a\nARG D=/app\nWORKDIR $D\nCOPY . .\n", "/app", "/app"),
        ("FROM a\nCOPY . /app\n", "/other", "/other"),
        (None, "/other", "/other"),
    ],
)
def test_where_the_project_lies(tmp_path, dockerfile, project_path, found):
    """It lies at `project_path` if the Dockerfile can have put it there, else where the Dockerfile ends."""
    if dockerfile is not None:
        (tmp_path / "Dockerfile").write_text(dockerfile, encoding="utf-8")

    assert PurePosixPath(found) == image_path(tmp_path, workdir(tmp_path), PurePosixPath(project_path))
