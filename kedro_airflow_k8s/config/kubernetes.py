"""Names, labels and amounts as Kubernetes wants them: what it would refuse is refused before a run needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from kedro_airflow_k8s.config.values import AnyText, Matching, Text, Wrong, different, filled, shown
from kedro_airflow_k8s.contract import LABEL_PREFIX

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"(?:(?=[^/]{{1,253}}/){_DOMAIN}/)?(?=[^/]{{1,63}}$){_WORD}"
# Of an annotation's key Kubernetes takes the domain in capitals, too.
_LOOSE_KEY = _KEY.replace("[a-z0-9]", "[A-Za-z0-9]").replace("[-a-z0-9]", "[-A-Za-z0-9]")
# A reference as container runtimes read it: registry, path, tag and digest.
_REGISTRY = rf"(?:{_WORD}|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_PATH = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = (
    rf"(?:{_REGISTRY}/)?{_PATH}(?:/{_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@[a-z0-9]+:[0-9a-f]{{32,}})?"
)
_STANDARD = r"cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGTPE]i"
_AMOUNT = r"(\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
ENV_NAME = Matching(
    r"(?!\.\.)(?!\.$)[A-Za-z_.-][A-Za-z0-9_.-]*",
    250,
    "the name of an environment variable: letters, digits, '_', '-' and '.' with no digit first",
)
_ENDS = "with a letter or digit at both ends"
_KEY_RULE = f"letters, digits, '-', '_' and '.', {_ENDS}, at most 63, maybe after a domain and '/'"
_OF_AIRFLOW = {
    "airflow-worker",
    "airflow_kpo_in_cluster",
    "airflow_version",
    "already_checked",
    "dag_id",
    "kubernetes_pod_operator",
    "map_index",
    "parent_dag_id",
    "run_id",
    "task_id",
    "try_number",
}
"""Labels by which Airflow finds a pod again."""
_MAX_ANNOTATIONS = 256 * 1024


def amount(text: str) -> Decimal:
    """Return what a valid amount such as `500m` or `1Gi` comes to."""
    found = re.fullmatch(_AMOUNT, text)
    number, suffix = (Decimal(found[1]), found[2] or "") if found else (Decimal("NaN"), "")
    if suffix.endswith("i"):
        return number * Decimal(1024) ** ("KMGTPE".index(suffix[0]) + 1)
    power = _POWERS[suffix] if suffix in _POWERS else int(suffix[1:] or 0)
    return number.scaleb(power)


def is_device(resource: str) -> bool:
    """Tell whether a resource is one of devices such as `nvidia.com/gpu`, which come only as a whole."""
    return "/" in resource and "kubernetes.io/" not in resource


def balance(requests: Mapping[str, str], limits: Mapping[str, str]) -> dict[str, str]:
    """Return what Kubernetes would refuse of valid requests and limits together, by the key it is about."""
    wrong = {}
    for name, asked in requests.items():
        limit = limits.get(name)
        lent = not is_device(name) and not name.startswith("hugepages-")
        if not lent and (limit is None or amount(limit) != amount(asked)):
            wrong[f"requests.{name}"] = f"should be the same as limits.{name} ({shown(limit)}), got {shown(asked)}"
        elif limit is not None and amount(asked) > amount(limit):
            wrong[f"requests.{name}"] = f"should be at most limits.{name} ({shown(limit)}), got {shown(asked)}"
    return wrong


def _more_than_nothing(value: str) -> str:
    if not amount(value):
        raise ValueError(f"should be above 0, got {shown(value)}")
    return value


def _possible_together(modes: tuple[str, ...]) -> tuple[str, ...]:
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        raise ValueError("should have no other mode beside ReadWriteOncePod")
    return modes


def _whole_devices(value: dict[str, str]) -> dict[str, str]:
    wrong = {
        name: each
        for name, each in value.items()
        if is_device(name) and amount(each) != amount(each).to_integral_value()
    }
    if wrong:
        raise Wrong({name: f"should be a whole number, got {shown(each)}" for name, each in wrong.items()})
    return value


def _free_label(value: str) -> str:
    owner = "Airflow" if value in _OF_AIRFLOW else "the plugin" if value.startswith(LABEL_PREFIX) else None
    if owner:
        raise ValueError(f"is a label that {owner} itself sets; take another name")
    return value


def _fitting(value: dict[str, str]) -> dict[str, str]:
    size = sum(len(f"{key}{text}".encode()) for key, text in value.items())
    if size > _MAX_ANNOTATIONS:
        raise ValueError(f"should be at most {_MAX_ANNOTATIONS} bytes in all, got {size}")
    return value


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


DnsLabel = Annotated[Text, Matching(_LABEL, 63, f"lower-case letters, digits and '-', {_ENDS}")]
DnsName = Annotated[Text, Matching(_DOMAIN, 253, f"lower-case letters, digits, '-' and '.', {_ENDS}")]
Image = Annotated[
    Text, Matching(_IMAGE, 500, "an image such as registry.example.com/team/demo:1, without capitals before the tag")
]
PullSecrets = Annotated[
    tuple[DnsName, ...] | None,
    AfterValidator(different),
    BeforeValidator(_listed),
    WithJsonSchema({"type": ["array", "string", "null"], "items": {"type": "string"}}),
]
"""A list of names, or text with commas between them."""
EnvNames = Annotated[tuple[Annotated[Text, ENV_NAME], ...], AfterValidator(different)]
SecretKey = Annotated[Text, Matching(r"(?!\.\.)(?!\.$)[A-Za-z0-9_.-]+", 253, "letters, digits, '-', '_' and '.'")]

LabelKey = Annotated[Text, Matching(_KEY, 317, _KEY_RULE)]
LabelValue = Annotated[AnyText, Matching(f"(?:{_WORD})?", 63, f"letters, digits, '-', '_' and '.', {_ENDS}")]
Selectors = dict[LabelKey, LabelValue]
Labels = dict[Annotated[LabelKey, AfterValidator(_free_label)], LabelValue]
Annotations = Annotated[dict[Annotated[Text, Matching(_LOOSE_KEY, 317, _KEY_RULE)], AnyText], AfterValidator(_fitting)]

Amount = Annotated[Text, Matching(_AMOUNT, 40, "an amount such as 500m, 2 or 1Gi")]
Size = Annotated[Amount, AfterValidator(_more_than_nothing)]
ResourceName = Annotated[
    Text,
    Matching(
        rf"{_STANDARD}|(?!requests\.)(?=[^/]+/){_KEY}",
        317,
        "cpu, memory, ephemeral-storage, hugepages-2Mi or a device with its domain, such as nvidia.com/gpu",
    ),
]
Amounts = Annotated[dict[ResourceName, Amount], AfterValidator(_whole_devices)]
AccessModes = Annotated[
    tuple[Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"], ...],
    AfterValidator(filled),
    AfterValidator(different),
    AfterValidator(_possible_together),
]
