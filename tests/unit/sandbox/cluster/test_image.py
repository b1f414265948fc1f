"""The project laid out as an image."""

import os
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s import dockerignore
from kedro_airflow_k8s.sandbox.cluster.errors import ClusterError
from kedro_airflow_k8s.sandbox.cluster.image import Image, in_root, remove, unpack


def project(tmp_path, *names):
    for name in names:
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    return Image(tmp_path / "project", PurePosixPath("/home/kedro_docker"), Path(sys.executable))


def build(tmp_path, image):
    image.build(tmp_path / "image")
    return tmp_path / "image" / "home" / "kedro_docker"


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def test_the_project_lies_at_its_path_in_the_image(tmp_path):
    """Every file is copied, hidden ones and those in folders too."""
    image = project(tmp_path, "src/a.py", "conf/base/catalog.yml", ".telemetry")

    built = build(tmp_path, image)

    assert [".telemetry", "conf/base/catalog.yml", "src/a.py"] == files(built)
    assert "src/a.py" == (built / "src/a.py").read_text(encoding="utf-8")


def test_what_no_image_holds_is_left_out(tmp_path):
    """Git's own files and virtual environments stay behind, wherever they are."""
    image = project(tmp_path, "a.py", ".git/config", "lib/.git/config", ".venv/pyvenv.cfg", ".venv/bin/kedro")

    assert ["a.py"] == files(build(tmp_path, image))


def test_dockerignore_is_honoured(tmp_path):
    """What .dockerignore names is left out, and what it takes in again is copied."""
    image = project(tmp_path, "data/raw/a.csv", "data/raw/b.csv", "data/model.pkl", "src/a.py")
    (image.project / ".dockerignore").write_text("data\n!data/raw/a.csv\n", encoding="utf-8")

    built = build(tmp_path, replace(image, ignore=dockerignore.read(image.project)))

    assert [".dockerignore", "data/raw/a.csv", "src/a.py"] == files(built)


def test_symbolic_links_stay_links_within_the_copy(tmp_path):
    """A relative link is kept; an absolute one into the project does not lead back to the project."""
    image = project(tmp_path, "data/a.csv")
    (tmp_path / "project" / "relative").symlink_to("data")
    (tmp_path / "project" / "image").symlink_to("/home/kedro_docker/data/a.csv")
    (tmp_path / "project" / "absolute").symlink_to(tmp_path / "project" / "data")

    built = build(tmp_path, image)

    assert "data" == os.readlink(built / "relative")
    assert (built / "data" / "a.csv").resolve() == (built / "image").resolve()
    assert not (built / "absolute").exists()


def test_an_image_within_the_project_does_not_hold_itself(tmp_path):
    """The sandbox may keep its files in the project's own folder."""
    image = project(tmp_path, "a.py")

    image.build(tmp_path / "project" / "scratch")

    assert ["home/kedro_docker/a.py"] == files(tmp_path / "project" / "scratch")


def test_a_file_that_cannot_be_copied_is_named(tmp_path, monkeypatch):
    """An unreadable file stops the sandbox with its name."""
    image = project(tmp_path, "secret.txt")

    def refuse(source, target):
        raise PermissionError(13, "Permission denied", source)

    monkeypatch.setattr("shutil.copy2", refuse)

    with pytest.raises(ClusterError, match=r"cannot be copied into the sandbox.*secret\.txt"):
        build(tmp_path, image)


def test_each_copy_is_its_own(tmp_path):
    """What one container writes is not seen by the next one."""
    build(tmp_path, project(tmp_path, "a.txt"))
    for name in ("one", "two"):
        unpack(tmp_path / "image", tmp_path / name, ())

    (tmp_path / "one" / "home" / "kedro_docker" / "a.txt").write_text("changed", encoding="utf-8")

    assert "a.txt" == (tmp_path / "two" / "home" / "kedro_docker" / "a.txt").read_text(encoding="utf-8")


def test_what_a_mount_hides_is_not_copied(tmp_path):
    """The data in an image may be large, and a claim mounted there hides it."""
    build(tmp_path, project(tmp_path, "data/big.bin", "src/data/a.py"))

    unpack(tmp_path / "image", tmp_path / "one", (PurePosixPath("/home/kedro_docker/data"),))

    assert ["src/data/a.py"] == files(tmp_path / "one" / "home" / "kedro_docker")


def test_no_path_of_the_image_leads_out_of_it(tmp_path):
    """Dots do not climb above the root."""
    assert tmp_path / "etc" / "passwd" == in_root(tmp_path, "/a/../../etc/passwd")


def test_read_only_folders_are_removed(tmp_path):
    """A pod may leave folders that nobody may write to; links are removed, not followed."""
    (tmp_path / "kept").mkdir()
    folder = tmp_path / "gone" / "inner"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    (folder / "link").symlink_to(tmp_path / "kept")
    folder.chmod(0o500)

    remove(tmp_path / "gone")
    remove(tmp_path / "gone")

    assert [tmp_path / "kept"] == list(tmp_path.iterdir())
