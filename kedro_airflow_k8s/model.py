"""What gets written, as data: the values between planning, code generation and delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Receives one line for the user while a command is still running.
Report = Callable[[str], None]


@dataclass(frozen=True)
class File:
    """A text file to deliver; `name` is its path below the folder it is delivered to."""

    name: str
    content: str


@dataclass(frozen=True)
class Ref:
    """An importable object, named rather than imported."""

    module: str
    name: str


@dataclass(frozen=True)
class Local:
    """A value that stands in a variable of the DAG function (see `DagSpec.variables`)."""

    name: str


@dataclass(frozen=True)
class Call:
    """A call with keyword arguments to write down, such as the construction of an operator."""

    target: Ref
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskSpec:
    """A task of the DAG; `call` constructs its operator and lacks only `task_id`."""

    task_id: str
    call: Call
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fragment:
    """What one feature contributes to the DAG; empty when the feature is switched off.

    `before` runs before the first Kedro task, `after` once all of them are over, each in a chain of its own;
    `pod` has what is added to `spec` and `container` of the pod that all Kedro tasks have in common, and `functions`
    are those that its templates call. `defaults` are further arguments of all Kedro tasks, and `warnings` what the user
    should know.
    """

    before: tuple[TaskSpec, ...] = ()
    after: tuple[TaskSpec, ...] = ()
    pod: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Ref] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class DagSpec:
    """A whole DAG.

    `first` are the sensors, which precede everything; `before` are chains of tasks that precede the first nodes,
    `after` chains that follow all nodes and what the chain's first task names as `upstream`, and `final` follows
    everything; `nodes` carry the edges between themselves as `upstream`. `doc` is Markdown for the admin; code
    generation adds the build id as its last line.
    """

    dag_id: str
    doc: str
    arguments: Mapping[str, Any]
    nodes: tuple[TaskSpec, ...]
    final: TaskSpec
    defaults: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[TaskSpec, ...] = ()
    before: tuple[tuple[TaskSpec, ...], ...] = ()
    after: tuple[tuple[TaskSpec, ...], ...] = ()


@dataclass(frozen=True)
class Plan:
    """The DAG to generate, and what the user should know about it; `remarks` are of what cannot be helped."""

    dag: DagSpec
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
