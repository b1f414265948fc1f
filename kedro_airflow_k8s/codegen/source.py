"""Renders a `DagSpec` as the text of the file that Airflow reads."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kedro_airflow_k8s.codegen import literals
from kedro_airflow_k8s.codegen.embed import VERSIONS, Embedded, embed, is_ours, versions
from kedro_airflow_k8s.codegen.literals import UTC, WIDTH
from kedro_airflow_k8s.codegen.names import identifier, identifiers
from kedro_airflow_k8s.contract import NODE_GROUP, SENSOR_GROUP
from kedro_airflow_k8s.model import Call, DagSpec, Ref, TaskSpec

BUILD_ID_LABEL = "Build id: "
# No string literal holds this character, since `literals.text` escapes what cannot be printed.
_PLACEHOLDER = "\0"


def render(dag: DagSpec) -> tuple[str, str]:
    """Return the file's text and its build id: 12 hex digits of a digest of the text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kedro_airflow_k8s", "codegen"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    text = environment.get_template("dag.py.j2").render(_holes(dag))
    build_id = hashlib.sha256(text.encode()).hexdigest()[:12]
    text = text.replace(_PLACEHOLDER, build_id)
    compile(text, f"{dag.dag_id}.py", "exec")
    return text, build_id


def _holes(dag: DagSpec) -> dict[str, Any]:
    chains = [*dag.before, *dag.after, (dag.final,)]
    helpers = [task for chain in chains for task in chain]
    calls = [task.call for task in [*dag.first, *helpers, *dag.nodes]]
    named = dict.fromkeys(_refs([*calls, dag.locals, dag.arguments, dag.defaults]))
    embedded = embed([Ref(VERSIONS, "dag"), Ref(VERSIONS, "TaskGroup"), *named])
    used: dict[Ref, None] = dict.fromkeys(embedded.imports)

    def names(ref: Ref) -> str:
        used[ref] = None
        return ref.name

    taken = {*embedded.names, *(ref.name for ref in embedded.imports), *dag.locals, "datetime", "timedelta"}
    function = identifiers([identifier(dag.dag_id)], {*taken, "timezone"})[identifier(dag.dag_id)]
    linked = {parent for task in dag.nodes for parent in task.upstream} | {t.task_id for t in dag.nodes if t.upstream}
    tasks = [*(task.task_id for task in helpers), *linked]
    order = {task.task_id: position for position, task in enumerate([*helpers, *dag.nodes])}
    variable = identifiers(
        sorted(tasks, key=order.__getitem__), {*taken, "timezone", function, NODE_GROUP, SENSOR_GROUP}
    )

    def statement(task: TaskSpec, indent: int) -> str:
        head = f"{variable[task.task_id]} = " if task.task_id in variable else ""
        call = Call(task.call.target, {"task_id": task.task_id, **task.call.kwargs})
        return head + literals.write(call, names, indent=indent, taken=len(head))

    def group(name: str, **arguments: Any) -> str:
        call = Call(Ref(VERSIONS, "TaskGroup"), {"group_id": name, "prefix_group_id": False, **arguments})
        return f"with {literals.write(call, names, indent=1, taken=len('with  as :') + len(name))} as {name}:"

    holes = {
        "docstring": _docstring(dag.doc),
        "decorator": literals.arguments({"dag_id": dag.dag_id, **dag.arguments}, names, 1),
        "function": function,
        "locals": [
            f"{name} = {literals.write(value, names, indent=1, taken=len(name) + 3)}"
            for name, value in dag.locals.items()
        ],
        "before": [statement(task, 1) for chain in dag.before for task in chain],
        "first": [group(SENSOR_GROUP), *(f"    {statement(task, 2)}" for task in dag.first)] if dag.first else [],
        "group": group(NODE_GROUP, default_args=dag.defaults),
        "tasks": [statement(task, 2) for task in dag.nodes],
        "edges": _edges(dag.nodes, variable),
        "after": [statement(task, 1) for chain in [*dag.after, (dag.final,)] for task in chain],
        "order": _order(dag, variable),
        "definitions": embedded.definitions,
    }
    return {**holes, "imports": _imports(used, embedded)}


def _refs(value: Any) -> Iterator[Ref]:
    """Yield the objects that a value names, anywhere in it."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Call):
        yield value.target
        yield from _refs(value.kwargs)
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _refs(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _refs(entry)


def _docstring(text: str) -> str:
    """Return a docstring that says exactly this text, which is also the DAG's documentation in Airflow."""
    quoted = "\n".join(literals.escaped(line) for line in text.split("\n")).replace('"""', '\\"\\"\\"')
    return f'"""{quoted}\n{BUILD_ID_LABEL}{_PLACEHOLDER}"""'


def _edges(nodes: Iterable[TaskSpec], variable: Mapping[str, str]) -> list[str]:
    """Return the statements that set the edges between the nodes, those with the same single parent in one."""
    children: dict[tuple[str, ...], list[str]] = {}
    for task in nodes:
        if task.upstream:
            key = task.upstream if len(task.upstream) == 1 else (*task.upstream, task.task_id)
            children.setdefault(key, []).append(task.task_id)
    return [
        _fit(f"{_several(key if len(key) == 1 else key[:-1], variable)} >> {_several(targets, variable)}")
        for key, targets in children.items()
    ]


def _several(task_ids: Iterable[str], variable: Mapping[str, str]) -> str:
    found = [variable[task_id] for task_id in task_ids]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def _fit(statement: str) -> str:
    """Break a list over lines, the way a formatter does, if the statement is too long for its line."""
    indent = " " * 8
    if len(indent) + len(statement) <= WIDTH:
        return statement
    return re.sub(
        r"\[([^\]]*)\]",
        lambda found: "[\n" + "".join(f"{indent}    {name},\n" for name in found[1].split(", ")) + f"{indent}]",
        statement,
    )


def _order(dag: DagSpec, variable: Mapping[str, str]) -> list[str]:
    """Return the lines that put the other tasks before and after the group of nodes."""
    final = variable[dag.final.task_id]
    first = [SENSOR_GROUP] if dag.first else []
    chains = dag.before or ((),) if first else dag.before
    before = [[*first, *(variable[task.task_id] for task in chain), NODE_GROUP] for chain in chains]
    after = [
        [
            f"[{', '.join([f'*{NODE_GROUP}', *(variable[task_id] for task_id in chain[0].upstream)])}]",
            *(variable[task.task_id] for task in chain),
            final,
        ]
        for chain in dag.after
    ]
    return [
        *(" >> ".join(chain) for chain in before),
        f"# `{final}` decides the state of the run, so it follows every node, not only the last ones.",
        f"[*{NODE_GROUP}] >> {final}",
        *(" >> ".join(chain) for chain in after),
    ]


def _imports(used: Iterable[Ref], embedded: Embedded) -> str:
    """Return the import statements: the standard library, others, and last what Airflow 2 and 3 have elsewhere."""
    moved = {ref.name for ref in used if ref.module == VERSIONS}
    plain: dict[str, set[str]] = {}
    modules: set[str] = set()
    for ref in used:
        if ref == UTC:
            plain.setdefault("datetime", set()).add("timezone")
        elif not ref.module:
            modules.add(ref.name)
        elif ref.module != VERSIONS and ref.name not in embedded.names:
            if is_ours(ref.module):
                raise ValueError(f"the file would import {ref.module}, which Airflow does not have")
            plain.setdefault(ref.module, set()).add(ref.name)
    own = {module: names for module, names in plain.items() if module.partition(".")[0] in sys.stdlib_module_names}
    standard = [*(f"import {name}" for name in sorted(modules)), *_from(own.items())]
    others = _from(module for module in plain.items() if module[0] not in own)
    blocks = ["\n".join(block) for block in (standard, others) if block]
    three, two = ([f"    {line}" for line in _moved(moved, origins)] for origins in versions())
    blocks.append("\n".join(["try:  # Airflow 3", *three, "except ImportError:  # Airflow 2", *two]))
    return "\n\n".join(blocks)


def _from(modules: Iterable[tuple[str, set[str]]]) -> list[str]:
    return [f"from {module} import {', '.join(sorted(names, key=_isort))}" for module, names in sorted(modules)]


def _moved(names: set[str], origins: Mapping[str, str]) -> list[str]:
    modules: dict[str, set[str]] = {}
    for name in names:
        modules.setdefault(origins[name], set()).add(name)
    return _from(modules.items())


def _isort(name: str) -> tuple[bool, str]:
    return name[0].islower(), name
