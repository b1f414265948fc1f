"""Reading the project's pipelines, and finding out what of them a pod would find."""

from __future__ import annotations

import os
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kedro_airflow_k8s.errors import ProjectError
from kedro_airflow_k8s.project.configuration import one_line
from kedro_airflow_k8s.project.functions import differ

DEFAULT_PIPELINE = "__default__"


@dataclass(frozen=True)
class Node:
    """A node of the pipeline; `upstream` are the names of the nodes whose output it reads, in pipeline order.

    A node that is not `named` has a name that Kedro made of its function and datasets.
    """

    name: str
    tags: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    named: bool = True


def read(name: str) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Return the nodes of a pipeline, and by which names of pipelines a pod finds them. Raises `ProjectError`."""
    from kedro.framework.project import pipelines
    from kedro.pipeline import Pipeline

    with _import_failures():
        # Kedro itself takes an empty name for the default one.
        if not name or name not in pipelines:
            known = ", ".join(sorted(map(str, pipelines)))
            raise ProjectError(f"no pipeline {name!r} in this project; there are: {known}")
        pipeline = pipelines[name]
        if not isinstance(pipeline, Pipeline):
            kind = type(pipeline).__name__
            raise ProjectError(f"pipeline {name!r} is a {kind}; check its registration in pipeline_registry.py")
        if not pipeline.nodes:
            raise ProjectError(f"pipeline {name!r} has no nodes; check its registration in pipeline_registry.py")
        position = {node: number for number, node in enumerate(pipeline.nodes)}
        dependencies = pipeline.node_dependencies
        nodes = tuple(
            Node(
                node.name,
                tuple(sorted(node.tags)),
                tuple(parent.name for parent in sorted(dependencies[node], key=position.__getitem__)),
                tuple(node.inputs),
                tuple(node.outputs),
                bool(node._name),
            )
            for node in position
        )
        _check_names(nodes)
    return nodes, _selection(pipelines, name)


def _check_names(nodes: tuple[Node, ...]) -> None:
    from kedro.framework.cli.utils import split_node_names

    split: Any = split_node_names
    for node in nodes:
        # A name that is read as none at all would run the whole pipeline, in every pod.
        if split(None, None, node.name) != [node.name]:
            raise ProjectError(f"`kedro run --nodes` cannot select node {node.name!r}; give it a name of its own")
        if not node.named and re.search(r" at 0x[0-9a-f]+", node.name, re.IGNORECASE):
            raise ProjectError(f"node {node.name!r} is called anew in each process; give it a name of its own")


def datasets(nodes: tuple[Node, ...]) -> list[str]:
    """Return the datasets of the nodes, by all names they go by and without parameters."""
    names = dict.fromkeys(name for node in nodes for name in (*node.outputs, *node.inputs))
    return [name for name in names if not _is_parameter(name)]


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _selection(pipelines: Any, name: str) -> tuple[str, ...]:
    """Return the pipelines that a pod's `kedro run` names to find the nodes; none means the default one.

    Since Kedro 1.5 a run imports only the packages of the pipelines it names, and one that is composed in the registry
    misses its parts. If `__default__` is among them, or none is named, Kedro imports all. Kedro adds the named ones up
    in any order, so nodes that are equal to a wanted one must have its function.
    """
    if name == DEFAULT_PIPELINE:
        return ()
    if not hasattr(pipelines, "set_requested"):
        return (name,)
    wanted = {node.name: node for node in pipelines[name].nodes}
    # Kedro finds packages in the order in which the file system has them.
    others = sorted(set(pipelines) - {name})
    parts = [other for other in others if all(_is_wanted(node, wanted) for node in pipelines[other].nodes)]
    for names in [(name,), (), (name, DEFAULT_PIPELINE), (name, *parts)]:
        if _finds(pipelines, names, wanted):
            return names
    raise ProjectError(
        f"pipeline {name!r} is composed in pipeline_registry.py, where neither `kedro run --pipeline={name}` of this"
        f" Kedro finds its nodes nor `--pipelines={name},{DEFAULT_PIPELINE}`: {DEFAULT_PIPELINE!r} has other nodes of"
        f" the same names or outputs, or with other functions; make {name!r} a package in pipelines/, or leave those"
        f" out of {DEFAULT_PIPELINE!r}"
    )


def _finds(pipelines: Any, names: tuple[str, ...], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a run that names these pipelines has the wanted nodes, with the same functions."""
    from kedro.pipeline import Pipeline

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipelines.set_requested(list(names) or None)
            named = [pipelines[name] for name in names or (DEFAULT_PIPELINE,)]
            found = sum(named, Pipeline([]))
    except Exception:
        # Whatever goes wrong here would go wrong in the pod, where it costs a run.
        return False
    finally:
        pipelines.set_requested(None)
    same = all(_is_wanted(node, wanted) for pipeline in named for node in pipeline.nodes if node.name in wanted)
    return same and {node.name for node in found.nodes} >= set(wanted)


def _is_wanted(node: Any, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a node is one of the wanted ones; for Kedro alone two of different functions can be equal."""
    other = wanted.get(node.name)
    return other is not None and node == other and not differ(node.func, other.func)


class _Recorder:
    """Stands in for the module `warnings` where Kedro loads pipelines; a filter of the project's would hide a failure.

    `failures` are the modules that could not be imported, and what Kedro says of it.
    """

    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []

    def warn(self, message: Any, category: Any = None, stacklevel: int = 1, **options: Any) -> None:
        """Keep what tells of a failed import, and pass on all else."""
        found = re.match(r"An error occurred while importing the '(.+?)' module", str(message))
        if found:
            self.failures.append((found[1], str(message)))
        else:
            warnings.warn(message, category, stacklevel + 1, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)


def _raised(chain: Sequence[BaseException]) -> tuple[str, int]:
    """Return file and line where an error came up: of the project's own code if that had a part in it.

    The chain goes from the error that was caught to the one that began it.
    """
    frames = [
        (frame.filename, frame.lineno or 0) for error in chain for frame in traceback.extract_tb(error.__traceback__)
    ]
    others = (f"{os.sep}site-packages{os.sep}", f"{os.sep}lib{os.sep}python", "<frozen", os.path.dirname(__file__))
    own = [place for place in frames if not any(part in place[0] for part in others)]
    return (own or frames or [("", 0)])[-1]


@contextmanager
def _import_failures() -> Iterator[None]:
    """Make an error of a pipeline module that fails to import; Kedro may only warn, and go on with fewer nodes."""
    from kedro.framework import project

    failure: Exception | SystemExit | None = None
    recorder = _Recorder()
    vars(project)["warnings"] = recorder
    try:
        yield
    except ProjectError:
        raise
    except (Exception, SystemExit) as error:
        failure = error
    finally:
        vars(project)["warnings"] = warnings
    for module, message in recorder.failures:
        last = message.strip().splitlines()[-1]
        raise ProjectError(f"pipeline module {module} cannot be imported: {last}") from failure
    if failure:
        cause: BaseException = failure
        chain = [cause]
        while cause.__cause__ or cause.__context__:
            cause = cause.__cause__ or cause.__context__ or cause
            chain.append(cause)
        file, line = _raised(chain)
        said = one_line(cause)
        if old := re.search(r"'resources:(\S+)' is not a valid node tag", said):
            said = f"{said} The tag of resources is resources.{old[1]} since Kedro 0.19"
        if isinstance(cause, SyntaxError):
            file, line, said = cause.filename or file, cause.lineno or line, cause.msg
        raise ProjectError(
            f"the project's pipelines cannot be loaded: {type(cause).__name__}: {said} ({file}, line {line})"
        ) from failure
