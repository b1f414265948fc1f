"""Writes the pages that are generated from the code: `python docs/generate.py`."""

import ast
import inspect
from pathlib import Path

from kedro_airflow_k8s.config import sections

DOCS = Path(__file__).parent

HEAD = """\
# Configuration

`conf/base/airflow-k8s.yaml`, with `conf/<env>/airflow-k8s.yaml` laid over it: sections are merged key by key, lists are
replaced. This page is generated from the code.

"""

TYPES = {
    "bool": "true or false",
    "AccessModes": "list",
    "Address": "address",
    "AnyText": "text",
    "Cron": "cron expression",
    "Date": "date",
    "ImagePath": "absolute path",
    "Names": "list, or text with commas",
    "NonNegativeInt": "whole number",
    "PositiveInt": "whole number",
    "Text": "text",
    "TextMap": "map of text",
    "int": "whole number",
}


def kind_of(annotation: ast.expr) -> str:
    """Return a field's type as a reader of the reference would say it."""
    if isinstance(annotation, ast.BinOp):
        return kind_of(annotation.left)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        if annotation.value.id == "Literal":
            return "one of " + ", ".join(f"`{value}`" for value in ast.literal_eval(annotation.slice))
        return "list" if annotation.value.id == "tuple" else "map"
    return TYPES.get(ast.unparse(annotation), "section")


def meanings(section: type) -> dict[str, tuple[str, str]]:
    """Return type and meaning of each key of the section, from the text below the key in the source."""
    tree = ast.parse(inspect.getsource(section)).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[ast.unparse(field.target)] = (
                kind_of(field.annotation),
                " ".join(ast.literal_eval(text.value).split()),
            )
    return found


def default_of(value: object) -> str:
    """Return a default as one would write it in the file, nothing if it is empty."""
    if value in (None, {}, ()) or isinstance(value, sections.Section):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`[{', '.join(map(str, value))}]`" if isinstance(value, tuple) else f"`{value}`"


def rows(section: type, prefix: str) -> list[str]:
    """Return the rows of the reference for a section and for those inside it."""
    lines = []
    inner = {
        "external_dependencies": sections.ExternalDependency,
        "resources": sections.Resources,
        "run_config": sections.RunConfig,
        "secrets": sections.Secret,
        "tolerations": sections.Toleration,
        "volume": sections.Volume,
    }
    for key, (kind, meaning) in meanings(section).items():
        field = section.model_fields[key]
        shown = "required" if field.is_required() else default_of(field.get_default())
        lines.append(f"| `{prefix}{key}` | {kind} | {shown} | {meaning} |")
        if key in inner and section is not sections.SandboxConfig:
            item = "[]" if kind == "list" else ".<name>" if kind == "map" else ""
            lines += rows(inner[key], f"{prefix}{key}{item}.")
    return lines


def configuration() -> str:
    """Return the page of `airflow-k8s.yaml` and `airflow-k8s-sandbox.yaml`."""
    table = "| key | type | default | meaning |\n|---|---|---|---|\n"
    sandbox = (
        "\n## airflow-k8s-sandbox.yaml\n\n"
        "`conf/local/airflow-k8s-sandbox.yaml` says what the sandbox's cluster and its Airflow hold.\n\n"
    )
    return (
        HEAD
        + table
        + "\n".join(rows(sections.PluginConfig, ""))
        + "\n"
        + sandbox
        + table
        + "\n".join(rows(sections.SandboxConfig, ""))
        + "\n"
    )


if __name__ == "__main__":
    (DOCS / "configuration.md").write_text(configuration(), encoding="utf-8")
