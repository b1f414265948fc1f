"""Checks that what passes from one pod to another can: tasks share the volume and what is remote, and no memory."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from kedro_airflow_k8s.config import PluginConfig
from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.plan.pod import project_path
from kedro_airflow_k8s.project import Dataset, Project

# Names of datasets in one line.
_SHOWN = 5


def check(project: Project, config: PluginConfig, *, allow_memory: bool) -> list[str]:
    """Return warnings of local datasets that lie outside the shared volume or not in the image, and of unknown ones.

    Raises `PlanError` that names each dataset which would pass in memory, unless `allow_memory` is set.
    """
    in_memory = [name for name, dataset in project.datasets.items() if dataset.in_memory]
    if in_memory and not allow_memory:
        shown = "\n".join(f"  {line}" for line in dict.fromkeys(_passage(project, name) for name in in_memory))
        first = in_memory[0]
        raise PlanError(
            f"these datasets would pass in memory between tasks, which share none:\n{shown}\n"
            f"Give each an entry in the catalog, such as {first}: {{type: pickle.PickleDataset, filepath:"
            f" data/{first}.pkl}}, or all of them a dataset factory; or say --allow-memory-datasets"
        )
    return [*_unshared(project, config), *_left_out(project), *_absent(project), *_unknown(project)]


def passing(project: Project, config: PluginConfig) -> list[str]:
    """Return a remark on the results that no one has any more once a run has ended, if there are any."""
    root = project_path(project, config)
    # Elsewhere may be a mount of the image's own.
    lost = [name for name, place in _places(project.results, root) if place.is_relative_to(root)]
    if not lost:
        return []
    names = ", ".join(map(repr, lost[:_SHOWN])) + (f" and {len(lost) - _SHOWN} others" if len(lost) > _SHOWN else "")
    return [
        f"what nodes write to {names} is gone with the pods and the volume of the run; give what should stay a remote"
        " address in the catalog"
    ]


def _passage(project: Project, name: str) -> str:
    base = name.partition("@")[0]
    writers = [node.name for node in project.nodes if base in _bases(node.outputs)]
    readers = [node.name for node in project.nodes if base in _bases(node.inputs)]
    return f"{name}: from {', '.join(map(repr, writers))} to {', '.join(map(repr, readers))}"


def _bases(names: tuple[str, ...]) -> set[str]:
    return {name.partition("@")[0] for name in names}


def _unshared(project: Project, config: PluginConfig) -> Iterator[str]:
    volume = config.run_config.volume
    root = project_path(project, config)
    for name, place in _places(project.datasets, root):
        if volume.disabled:
            reason = "and there is no shared volume (run_config.volume.disabled)"
        elif not place.is_relative_to(root / "data"):
            reason = f"outside the shared volume at {root / 'data'}"
        else:
            continue
        passage = _passage(project, name)
        path = project.datasets[name].local_path
        yield f"dataset {name!r} lies at {path}, {reason}, where no other task finds it ({passage})"


def _places(datasets: Mapping[str, Dataset], root: PurePosixPath) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield where the local ones lie in the image."""
    for name, dataset in datasets.items():
        if dataset.local_path is not None:
            yield name, PurePosixPath(posixpath.normpath(root / dataset.local_path))


def _unknown(project: Project) -> Iterator[str]:
    for name in project.unknown:
        readers = ", ".join(repr(node.name) for node in project.nodes if name in node.inputs)
        yield (
            f"dataset {name!r} is read by {readers}, but no node writes it and the catalog does not have it; is the"
            " name right? If a hook of the project adds it, give it an entry there, {type: MemoryDataset}"
        )


def _absent(project: Project) -> Iterator[str]:
    if project.absent:
        yield (
            f".dockerignore keeps out of the image {', '.join(project.absent)}, which counts here; put what pods need"
            " into conf/base, or compile for another environment with --env"
        )


def _left_out(project: Project) -> Iterator[str]:
    for name, file in project.left_out.items():
        readers = ", ".join(repr(node.name) for node in project.nodes if name in node.inputs)
        yield (
            f"dataset {name!r} is read by {readers} from {file}, which .dockerignore keeps out of the image; keep it "
            f"there with a line !{file}, or have it in remote storage"
        )
