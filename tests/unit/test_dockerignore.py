"""Which files a .dockerignore leaves out."""

import pytest

from kedro_airflow_k8s import dockerignore
from kedro_airflow_k8s.errors import ProjectError


def ignored(tmp_path, text, *paths):
    (tmp_path / ".dockerignore").write_text(text, encoding="utf-8")
    ignore = dockerignore.read(tmp_path)
    return [path for path in paths if ignore(path)]


@pytest.mark.parametrize(
    ("pattern", "left_out", "taken_in"),
    [
        ("data", ["data", "data/raw/x.csv"], ["src/data", "database"]),
        ("/data/", ["data", "data/x"], ["src/data"]),
        ("*.log", ["a.log"], ["logs/a.log"]),
        ("**/*.log", ["a.log", "logs/deep/a.log"], ["a.logs"]),
        ("logs/**", ["logs/a", "logs/b/c"], ["other"]),
        ("notebooks/*/tmp", ["notebooks/a/tmp/x"], ["notebooks/tmp", "notebooks/a/b/tmp"]),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("file[0-9].txt", ["file1.txt"], ["filea.txt"]),
        ("./conf/local", ["conf/local/credentials.yml"], ["conf/base"]),
        ("a.b", ["a.b"], ["axb"]),
        (r"\!kept", ["!kept"], ["kept"]),
    ],
)
def test_a_pattern_leaves_out_what_docker_leaves_out(tmp_path, pattern, left_out, taken_in):
    """A pattern counts from the project's folder, and what lies in a folder that matches goes with it."""
    found = ignored(tmp_path, pattern, *left_out, *taken_in)

    assert left_out == found


def test_the_last_pattern_that_matches_decides(tmp_path):
    """`!` takes in again what was left out before it, even below a folder that was left out; comments do not count."""
    text = "# data\ndata\n\n!data/01_raw\ndata/01_raw/*.tmp\n"

    found = ignored(tmp_path, text, "data/x", "data/01_raw/a.csv", "data/01_raw/a.tmp", "src/a.py")

    assert ["data/x", "data/01_raw/a.tmp"] == found


def test_the_file_beside_the_dockerfile_comes_first(tmp_path):
    """Dockerfile.dockerignore replaces .dockerignore."""
    (tmp_path / "Dockerfile.dockerignore").write_text("b", encoding="utf-8")

    assert ["b"] == ignored(tmp_path, "a", "a", "b")


def test_without_a_file_nothing_is_left_out(tmp_path):
    """A project need not have a .dockerignore."""
    assert not dockerignore.read(tmp_path)("anything")


def test_an_impossible_pattern_is_named(tmp_path):
    """A pattern that cannot be read is an error of the user's file."""
    with pytest.raises(ProjectError, match=r"\.dockerignore: not a valid list of patterns"):
        ignored(tmp_path, "[z-a]", "x")
