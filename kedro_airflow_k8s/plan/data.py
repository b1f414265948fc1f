"""Feature: checks that the data that nodes read and write is where their pods find it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from kedro_airflow_k8s.model import Finding, Fragment, Rule
from kedro_airflow_k8s.plan.context import Context
from kedro_airflow_k8s.plan.grouping import base
from kedro_airflow_k8s.plan.pod import project_path
from kedro_airflow_k8s.project import Dataset, Node

OUTSIDE_VOLUME = Rule("local-dataset-outside-volume", "warning")
LEFT_OUT = Rule("data-not-in-image", "warning")
ABSENT = Rule("configuration-not-in-image", "warning")
UNKNOWN = Rule("unknown-dataset", "warning")
LOST = Rule("results-lost", "note")
# Names of datasets in one line.
_SHOWN = 5


def data(context: Context) -> Fragment:
    """Look at what passes between tasks, at what nodes read that none writes, and at what is left in the end."""
    nodes, datasets = context.project.nodes, context.project.datasets
    written, read = _named(node.outputs for node in nodes), _named(node.inputs for node in nodes)
    crossing = list(dict.fromkeys(name for group in context.groups for name in group.crossing))
    results = [name for name in written if base(name) not in _bases(read)]
    taken = [name for name in read if base(name) not in _bases(written) and name in datasets]
    return Fragment(
        findings=(
            *(Finding(OUTSIDE_VOLUME, text) for text in _unshared(context, crossing)),
            *(Finding(LEFT_OUT, text) for text in _left_out(context, taken)),
            *(Finding(ABSENT, text) for text in _absent(context)),
            *(Finding(UNKNOWN, text) for text in _unknown(context, taken)),
            *(Finding(LOST, text) for text in _lost(context, results)),
        )
    )


def _named(sides: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for side in sides for name in side))


def _lost(context: Context, results: Iterable[str]) -> Iterator[str]:
    """Yield a note of the results that nobody has any more once a run has ended, if there are any."""
    root = project_path(context.project, context.config)
    # Elsewhere may be a mount of the image's own.
    lost = [name for name, place in _places(context.project.datasets, results, root) if place.is_relative_to(root)]
    if lost:
        more = f" and {len(lost) - _SHOWN} others" if len(lost) > _SHOWN else ""
        yield (
            f"what nodes write to {', '.join(map(repr, lost[:_SHOWN]))}{more} is gone with the pods and the volume of"
            " the run; give what should stay a remote address in the catalog"
        )


def passage(nodes: Iterable[Node], name: str) -> str:
    """Return between which nodes a dataset passes."""
    writers = [node.name for node in nodes if base(name) in _bases(node.outputs)]
    readers = [node.name for node in nodes if base(name) in _bases(node.inputs)]
    return f"{name}: from {', '.join(map(repr, writers))} to {', '.join(map(repr, readers))}"


def _bases(names: Iterable[str]) -> set[str]:
    return {base(name) for name in names}


def _readers(context: Context, name: str) -> str:
    return ", ".join(repr(node.name) for node in context.project.nodes if name in node.inputs)


def _unshared(context: Context, crossing: Iterable[str]) -> Iterator[str]:
    volume = context.config.run_config.volume
    root = project_path(context.project, context.config)
    for name, place in _places(context.project.datasets, crossing, root):
        if volume.disabled:
            reason = "and there is no shared volume (run_config.volume.disabled)"
        elif not place.is_relative_to(root / "data"):
            reason = f"outside the shared volume at {root / 'data'}"
        else:
            continue
        path = context.project.datasets[name].local_path
        passed = passage(context.project.nodes, name)
        yield f"dataset {name!r} lies at {path}, {reason}, where no other task finds it ({passed})"


def _places(
    datasets: Mapping[str, Dataset], names: Iterable[str], root: PurePosixPath
) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield where the local ones lie in the image."""
    for name in names:
        if name in datasets and (path := datasets[name].local_path) is not None:
            yield name, PurePosixPath(posixpath.normpath(root / path))


def _unknown(context: Context, taken: Iterable[str]) -> Iterator[str]:
    for name in taken:
        if not context.project.datasets[name].known:
            yield (
                f"dataset {name!r} is read by {_readers(context, name)}, but no node writes it and the catalog does not"
                " have it; is the name right? If a hook of the project adds it, give it an entry there,"
                " {type: MemoryDataset}"
            )


def _absent(context: Context) -> Iterator[str]:
    if context.project.absent:
        yield (
            f".dockerignore keeps out of the image {', '.join(context.project.absent)}, which counts here; put what"
            " pods need into conf/base, or compile for another environment with --env"
        )


def _left_out(context: Context, taken: Iterable[str]) -> Iterator[str]:
    for name in taken:
        if name in context.project.left_out:
            file = context.project.left_out[name]
            yield (
                f"dataset {name!r} is read by {_readers(context, name)} from {file}, which .dockerignore keeps out of"
                f" the image; keep it there with a line !{file}, or have it in remote storage"
            )
