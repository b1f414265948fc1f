"""Paths of the image in a command."""

import pytest

from kedro_airflow_k8s.sandbox.cluster.pod.process import exit_code, rewrite_paths

PATHS = ("/home/kedro_docker", "/home/kedro_docker/data", "/claim")


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("cp -r /home/kedro_docker/data/. /claim", "cp -r {root}/home/kedro_docker/data/. {root}/claim"),
        ("--path=/claim/x '/claim'", "--path={root}/claim/x '{root}/claim'"),
        ("if [ -s /claim/a ]; then cat /claim/a;fi", "if [ -s {root}/claim/a ]; then cat {root}/claim/a;fi"),
        ("/claims /my/claim s3://claim a/claim ./claim", "/claims /my/claim s3://claim a/claim ./claim"),
        ("/usr/bin/env", "/usr/bin/env"),
    ],
)
def test_only_paths_of_the_image_are_rewritten(tmp_path, text, placed):
    """A script finds the image's files, and all else is as it was written."""
    assert placed.format(root=tmp_path) == rewrite_paths(text, tmp_path, PATHS)


def test_a_signal_is_an_exit_code():
    """As in a shell, 128 is added to the signal's number."""
    assert (0, 3, 143, 137) == (exit_code(0), exit_code(3), exit_code(-15), exit_code(-9))
