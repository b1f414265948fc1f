"""The volumes of a pod as folders of this machine, and where its containers find them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from kedro_airflow_k8s.sandbox.cluster.image import in_root
from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json
from kedro_airflow_k8s.sandbox.cluster.pod.environment import ConfigError, Secrets, find_config_map, find_secret
from kedro_airflow_k8s.sandbox.cluster.pod.process import StartError


def prepare(pod: Json, folder: Path, secrets: Secrets, claim_folder: Callable[[str], Path]) -> dict[str, Path]:
    """Make the folder of each volume of a pod, below `folder` unless it is a claim's; return them by volume.

    Raises ConfigError where a secret or a key that is mounted is missing.
    """
    volumes: dict[str, Path] = {}
    for volume in pod["spec"].get("volumes", []):
        name = volume["name"]
        if "persistentVolumeClaim" in volume:
            volumes[name] = claim_folder(volume["persistentVolumeClaim"]["claimName"])
            continue
        volumes[name] = folder / name
        volumes[name].mkdir(parents=True, exist_ok=True)
        try:
            if "configMap" in volume:
                find_config_map(volume["configMap"])
            elif "secret" in volume:
                _write(volume["secret"], find_secret(volume["secret"], secrets) or {}, volumes[name])
        except ConfigError as error:
            raise ConfigError(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error
    return volumes


def mount(container: Json, root: Path, volumes: Mapping[str, Path]) -> None:
    """Let a container find its volumes where it mounts them; what its image holds there is hidden.

    Raises StartError where a mount would lie outside `root`, because of a symbolic link in the image.
    """
    for wanted in container.get("volumeMounts", []):
        volume = volumes[wanted["name"]]
        source = volume / wanted.get("subPath", "")
        _inside(source, volume, wanted)
        if not source.exists():
            source.mkdir(parents=True)
        target = in_root(root, wanted["mountPath"])
        _inside(target.parent, root, wanted)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if source.is_file():
            # A mount shows the file itself and not what leads to it, such as the links in a secret's volume.
            os.link(source.resolve(), target)
        else:
            target.symlink_to(source)


def mount_paths(container: Json) -> tuple[PurePosixPath, ...]:
    """Return where a container mounts volumes."""
    return tuple(PurePosixPath(wanted["mountPath"]) for wanted in container.get("volumeMounts", []))


def _write(source: Json, secret: Mapping[str, str], folder: Path) -> None:
    """Lay out a secret's files as a kubelet does: links into a hidden folder, which it can replace in one step."""
    hidden = folder / f"..{datetime.now(timezone.utc):%Y_%m_%d_%H_%M_%S.%f}"
    hidden.mkdir()
    (folder / "..data").symlink_to(hidden.name)
    items = source.get("items") or [{"key": key, "path": key} for key in secret]
    for item in items:
        if item["key"] not in secret:
            if source.get("optional"):
                continue
            raise ConfigError(f"references non-existent secret key: {item['key']}")
        file = hidden / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(secret[item["key"]].encode())
        file.chmod(item.get("mode", source.get("defaultMode", 0o644)))
    for entry in hidden.iterdir():
        (folder / entry.name).symlink_to(f"..data/{entry.name}")


def _inside(path: Path, folder: Path, wanted: Json) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise StartError(f"mount path {wanted['mountPath']!r} leads outside of the container by a symbolic link")
