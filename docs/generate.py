"""Writes what is generated: two pages and a JSON schema from the code, the code on a page from a DAG file.

`python docs/generate.py` writes all of it.
"""

import ast
import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import click
from pydantic import AliasChoices

from kedro_airflow_k8s.cli import airflow_k8s
from kedro_airflow_k8s.config import sandbox, sections
from kedro_airflow_k8s.config.keys import described
from kedro_airflow_k8s.config.mlflow import (
    GoogleOAuth2Authentication,
    MLflow,
    NullAuthentication,
    VarsAuthentication,
)
from kedro_airflow_k8s.config.resources import Resources, Toleration
from kedro_airflow_k8s.config.secrets import Secret
from kedro_airflow_k8s.config.section import Section

DOCS = Path(__file__).parent
SCHEMA = DOCS.parent / "kedro_airflow_k8s/config/airflow-k8s.schema.json"
GOLDEN = DOCS.parent / "tests/golden"
DAG_PAGE = DOCS / "generated-dag.md"

HEAD = """\
# Configuration

`conf/base/airflow-k8s.yaml`, with `conf/<env>/airflow-k8s.yaml` laid over it: sections are merged key by key, lists are
replaced, and `null` drops what `conf/base` has. `kedro airflow-k8s init` writes a file in which each key stands with
its meaning. This page is generated from the code, as is a JSON schema of the file,
`kedro_airflow_k8s/config/airflow-k8s.schema.json`, for editors.

"""

COMMANDS = """\
# Commands

All commands run inside a Kedro project, and take the options of `kedro airflow-k8s` before their own name:

```sh
kedro airflow-k8s --env base compile
```

The commands that compile warn of what is likely to go wrong; `--strict` makes these warnings errors, and nothing is
written. What the exit codes mean is said under [continuous integration](ci.md#exit-codes). This page is generated from
the code.

## Before the command

"""
# What is to be typed stands as code, or the two hyphens of an option would become a dash.
TYPED = re.compile(r"(?<![\w`-])(--?[a-z][a-z-]*|[A-Z]+(?:_[A-Z]+)+|run_config\.[\w.]*\w|airflow-k8s\.yaml|conf/base)")

TYPES = {
    "AccessModes": "list",
    "Address": "address",
    "AirflowId": "id",
    "Authentication": "section",
    "Amounts": "map of amounts",
    "Annotations": "map of text",
    "AnyText": "text",
    "Cron": "cron expression",
    "Date": "date",
    "ClusterNode": "section",
    "DnsLabel": "name",
    "DnsName": "name",
    "EnvNames": "list",
    "Group": "whole number",
    "Image": "text",
    "Kubernetes": "section",
    "IntermediateData": "section",
    "ImagePath": "absolute path",
    "LabelKey": "name",
    "LabelValue": "label",
    "Labels": "map of labels",
    "MLflow": "section",
    "Macros": "list",
    "Minutes": "whole number",
    "PullSecrets": "list, or text with commas",
    "RunConfig": "section",
    "Seconds": "whole number",
    "SecretKey": "name",
    "Secrets": "list",
    "Selectors": "map of labels",
    "SandboxCluster": "section",
    "Size": "amount",
    "Store": "`volume`, an fsspec URL, or null",
    "Text": "text",
    "VariableNames": "list",
    "Variables": "list",
    "Volume": "section",
    "bool": "true or false",
}
OF_SANDBOX: dict[str, type[Section]] = {
    "cluster": sandbox.SandboxCluster,
    "node": sandbox.ClusterNode,
    "storage_classes": sandbox.ClusterStorageClass,
}
INNER: dict[str, type[Section]] = {
    "authentication": NullAuthentication,
    "external_dependencies": sections.ExternalDependency,
    "intermediate_data": sections.IntermediateData,
    "kubernetes": sections.Kubernetes,
    "mlflow": MLflow,
    "resources": Resources,
    "run_config": sections.RunConfig,
    "secrets": Secret,
    "tolerations": Toleration,
    "volume": sections.Volume,
}
OTHERS: dict[type[Section], tuple[type[Section], ...]] = {
    NullAuthentication: (GoogleOAuth2Authentication, VarsAuthentication)
}
"""Of what other kinds a section may be; the key `type` says which, and its meaning stands at the first."""
REFERENCE = {"type": "string", "pattern": r"\$\{.+\}", "description": "A value from elsewhere."}


def kind_of(annotation: ast.expr) -> str:
    """Return a field's type as a reader of the reference would say it."""
    if isinstance(annotation, ast.BinOp):
        return kind_of(annotation.left)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        if annotation.value.id == "Annotated" and isinstance(annotation.slice, ast.Tuple):
            return kind_of(annotation.slice.elts[0])
        if annotation.value.id == "Literal":
            values = ast.literal_eval(annotation.slice)
            return "one of " + ", ".join(f"`{value}`" for value in ([values] if isinstance(values, str) else values))
        return "list" if annotation.value.id == "tuple" else "map"
    return TYPES[ast.unparse(annotation)]


def meanings(section: type[Section]) -> dict[str, tuple[str, str]]:
    """Return type and meaning of each key of the section, from the text below the key in the source."""
    found = {}
    for key, (annotation, meaning) in described(section).items():
        kinds = [kind_of(annotation), *(meanings(other)[key][0] for other in OTHERS.get(section, ()))]
        found[key] = (", ".join([kinds[0], *(kind.removeprefix("one of ") for kind in kinds[1:])]), meaning)
    return found


def default_of(value: object) -> str:
    """Return a default as one would write it in the file, nothing if it is empty."""
    if value in (None, {}, ()) or isinstance(value, Section):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`[{', '.join(map(str, value))}]`" if isinstance(value, tuple) else f"`{value}`"


def rows(section: type, prefix: str) -> list[str]:
    """Return the rows of the reference for a section and for those inside it."""
    lines = []
    for key, (kind, meaning) in meanings(section).items():
        field = section.model_fields[key]
        shown = "required" if field.is_required() else default_of(field.get_default())
        lines.append(f"| `{prefix}{key}` | {kind} | {shown} | {meaning} |")
        inner = (OF_SANDBOX if section.__module__ == sandbox.__name__ else INNER).get(key)
        if inner is not None:
            item = "[]" if kind == "list" else ".<name>" if kind == "map" else ""
            lines += rows(inner, f"{prefix}{key}{item}.")
    for other in OTHERS.get(section, ()):
        lines += [row for row in rows(other, prefix) if f"`{prefix}type`" not in row]
    return lines


def configuration() -> str:
    """Return the page of `airflow-k8s.yaml` and `airflow-k8s-sandbox.yaml`."""
    table = "| key | type | default | meaning |\n|---|---|---|---|\n"
    head = (
        "\n## airflow-k8s-sandbox.yaml\n\n"
        "`conf/local/airflow-k8s-sandbox.yaml` says what the sandbox's cluster and its Airflow hold.\n\n"
    )
    return (
        HEAD
        + table
        + "\n".join(rows(sections.PluginConfig, ""))
        + "\n"
        + head
        + table
        + "\n".join(rows(sandbox.SandboxConfig, ""))
        + "\n"
    )


def commands() -> str:
    """Return the page of the commands and their options."""
    parts = [COMMANDS + options(airflow_k8s)]
    for name, command in sorted(airflow_k8s.commands.items()):
        arguments = "".join(f" [{each.name}]".upper() for each in command.params if isinstance(each, click.Argument))
        usage = f"`kedro airflow-k8s {name}{arguments}`"
        parts.append(f"## {name}\n\n{usage}\n\n{marked(command.help)}\n\n{options(command)}")
    return "\n".join(parts)


def options(command: click.Command) -> str:
    """Return the table of a command's options."""
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for option in command.params:
        if isinstance(option, click.Option):
            spelt = f"{', '.join(option.opts)} {taken(option)}".strip()
            variable = f" `{option.envvar}` in the environment sets it, too." if option.envvar else ""
            default = f"`{option.default}`" if option.show_default else ""
            lines.append(f"| `{spelt}` | {default} | {marked(option.help)}{variable} |")
    return "\n".join(lines) + "\n"


def marked(text: str | None) -> str:
    """Return a text of the command line as Markdown: what is to be typed is code."""
    return TYPED.sub(r"`\1`", inspect.cleandoc(text or ""))


def taken(option: click.Option) -> str:
    """Return what stands for the value of an option, nothing if it takes none."""
    if option.is_flag:
        return ""
    # A bar would end the cell of the table.
    choices = " or ".join(option.type.choices) if isinstance(option.type, click.Choice) else option.type.name.upper()
    return option.metavar or choices


def generated_dag() -> str:
    """Return the page of the generated DAG, each block of code as the comment before it says.

    `<!-- golden: FILE; from TEXT; to TEXT -->` means the lines of that DAG file from the first that has the one text to
    the next that has the other, which is left out; without a text, from the top or to the end.
    """

    def block(found: re.Match[str]) -> str:
        lines = (GOLDEN / found["file"]).read_text(encoding="utf-8").splitlines()
        start = place(lines, found["start"]) if found["start"] else 0
        end = place(lines, found["end"], start + 1) if found["end"] else len(lines)
        code = textwrap.dedent("\n".join(lines[start:end])).strip("\n")
        return f"{found['mark']}\n```python\n{code}\n```\n"

    mark = r"(?P<mark><!-- golden: (?P<file>[^;]+?)(?:; from (?P<start>.+?))?(?:; to (?P<end>.+?))? -->)"
    page = DAG_PAGE.read_text(encoding="utf-8")
    return re.sub(rf"^{mark}\n```python\n.*?^```\n", block, page, flags=re.DOTALL | re.MULTILINE)


def place(lines: list[str], text: str, after: int = 0) -> int:
    """Return the number of the first line from `after` on that has the text. Raises `ValueError`."""
    for number, line in enumerate(lines[after:], after):
        if text in line:
            return number
    raise ValueError(f"no line of the DAG file has {text!r}")


def schema() -> str:
    """Return the JSON schema of `airflow-k8s.yaml`, for editors."""
    made = sections.PluginConfig.model_json_schema()
    whole = properties(sections.PluginConfig, made)
    # What is missing in one file another may say, and Kedro leaves out what begins with an underscore.
    whole["patternProperties"] = {"^_": {}}
    inner = [kind for section in INNER.values() for kind in (section, *OTHERS.get(section, ()))]
    of = {section.__name__: properties(section, made["$defs"][section.__name__]) for section in inner}
    of["RunConfig"].pop("required")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "airflow-k8s.yaml"}
    del whole["required"]
    return json.dumps({**head, **whole, "$defs": {**of, "Reference": REFERENCE}}, indent=2) + "\n"


def properties(section: type[Section], made: dict[str, Any]) -> dict[str, Any]:
    """Return pydantic's schema of a section, with each key's meaning and all of its spellings."""
    said = {}
    for key, (_, meaning) in meanings(section).items():
        field = section.model_fields[key]
        spellings = field.validation_alias
        for name in spellings.choices if isinstance(spellings, AliasChoices) else [key]:
            found = value(made["properties"][key], isinstance(field.default, Section | tuple | dict))
            said[str(name)] = {"description": meaning, **found}
            if default_of(field.default) and not field.is_required():
                said[str(name)]["default"] = made["properties"][key]["default"]
    required = {"required": made["required"]} if "required" in made else {}
    return {"type": "object", "additionalProperties": False, "properties": said, **required}


def value(made: dict[str, Any], absent: bool = False) -> dict[str, Any]:
    """Return pydantic's schema of a value, which may be a reference as well, and null if it may be `absent`."""
    kept = {key: entry for key, entry in made.items() if key not in {"anyOf", "default", "title"}}
    options = [value_of(option) for option in made.get("anyOf", made.get("oneOf", [kept]))]
    narrow = {"enum", "maxLength", "pattern"}
    if not any("string" in option.get("type", ()) and not narrow & {*option} for option in options):
        options.append({"$ref": "#/$defs/Reference"})
    if absent:
        options.append({"type": "null"})
    return options[0] if len(options) == 1 else {"anyOf": options}


def value_of(made: dict[str, Any]) -> dict[str, Any]:
    """Return pydantic's schema of a list or a map with what it says of the entries, or of anything else as it is."""
    made = dict(made)
    if "patternProperties" in made:
        ((pattern, entry),) = made.pop("patternProperties").items()
        made.update(propertyNames={"pattern": pattern}, additionalProperties=value(entry))
    elif isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = value(made["additionalProperties"], absent=True)
    if "items" in made:
        made["items"] = value(made["items"])
    return made


if __name__ == "__main__":
    (DOCS / "configuration.md").write_text(configuration(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    (DOCS / "cli.md").write_text(commands(), encoding="utf-8")
    DAG_PAGE.write_text(generated_dag(), encoding="utf-8")
