"""What gets written, as data: the values between planning, code generation and delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
    """A value that a local variable of the DAG function holds (see `DagSpec.locals`)."""

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
class Rule:
    """A kind of thing to tell the user; `name` is in kebab-case and stays the same, `severity` is that of its findings.

    A `note` is about what is as it must be, a `warning` about what is probably not meant.
    """

    name: str
    severity: Literal["note", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something to tell the user about the project or its configuration, in a sentence with the way out."""

    rule: Rule
    text: str


@dataclass(frozen=True)
class Addition:
    """What a feature adds to the task of one group: arguments of its operator, and a part of its pod.

    `name` says in one word what sets this pod apart, for the file to call it by.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class Fragment:
    """What one feature contributes to the DAG; empty when the feature is switched off.

    `first` are sensors, before everything else. `before` runs before the first Kedro task, `after` once all of them are
    over, each in a chain of its own. `dag` has arguments of the DAG itself.

    `pod` is a part of the pod that all Kedro tasks have in common, `env` and `args` are variables and arguments of its
    container, and `functions` are those that its templates call. `defaults` are arguments of all Kedro tasks, `tasks`
    has what is added to single ones by their ids.

    `locals` are values that the file holds in local variables, and `findings` what the user should know.
    """

    first: tuple[TaskSpec, ...] = ()
    before: tuple[TaskSpec, ...] = ()
    after: tuple[TaskSpec, ...] = ()
    dag: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    env: tuple[Mapping[str, Any], ...] = ()
    args: tuple[str, ...] = ()
    functions: Mapping[str, Ref] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Addition] = field(default_factory=dict)
    locals: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DagSpec:
    """A whole DAG.

    `first` are the sensors, which precede everything; `before` are chains of tasks that precede the first nodes,
    `after` chains that follow all nodes and what the chain's first task names as `upstream`, and `final` follows
    everything; `nodes` carry the edges between themselves as `upstream`. `locals` are the local variables of the DAG
    function. `doc` is Markdown for the admin; code generation adds the build id as its last line.
    """

    dag_id: str
    doc: str
    arguments: Mapping[str, Any]
    nodes: tuple[TaskSpec, ...]
    final: TaskSpec
    defaults: Mapping[str, Any] = field(default_factory=dict)
    locals: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[TaskSpec, ...] = ()
    before: tuple[tuple[TaskSpec, ...], ...] = ()
    after: tuple[tuple[TaskSpec, ...], ...] = ()


@dataclass(frozen=True)
class Plan:
    """The DAG to generate, and what the user should know about it."""

    dag: DagSpec
    findings: tuple[Finding, ...] = ()
