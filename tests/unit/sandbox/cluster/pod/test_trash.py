"""Folders that are removed in the background."""

import asyncio

from kedro_airflow_k8s.sandbox.cluster.pod.trash import Trash


def test_a_folder_is_gone_at_once_and_its_files_soon(tmp_path):
    """Its name is free again before its files are removed; what is not there need not be thrown away."""
    folder = tmp_path / "pods" / "one"
    folder.mkdir(parents=True)
    (folder / "file").touch()

    async def scene():
        trash = Trash(tmp_path)
        trash.throw(folder)
        trash.throw(folder)
        gone = not folder.exists()
        await trash.close()
        return gone

    assert asyncio.run(scene())
    assert [] == list((tmp_path / "trash").iterdir())


def test_what_cannot_be_removed_is_told(tmp_path, monkeypatch, caplog):
    """It is a warning, since nobody waits for it."""

    def refuse(folder):
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr("kedro_airflow_k8s.sandbox.cluster.pod.trash.remove", refuse)
    (tmp_path / "one").mkdir()

    async def scene():
        trash = Trash(tmp_path)
        trash.throw(tmp_path / "one")
        await trash.close()

    asyncio.run(scene())

    assert "Directory not empty" in caplog.text
