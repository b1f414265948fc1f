"""What a cluster has and what it refuses: its storage classes, its node, its accounts, its policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
STANDARD = "standard"


@dataclass(frozen=True)
class StorageClass:
    """How claims of a class are bound: in which access modes, and whether only for the first pod that needs one."""

    access_modes: tuple[str, ...] = ACCESS_MODES
    waits_for_consumer: bool = False


@dataclass(frozen=True)
class NodeSize:
    """What pods may request of the one node in total; of a resource that is not named, as much as they like.

    Without `labels` the node matches every selector.
    """

    resources: Mapping[str, str] = field(default_factory=lambda: {"cpu": "64", "memory": "256Gi", "pods": "110"})
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ClusterSettings:
    """A cluster as its administrators have set it up. Where a list may be None, None means that there is everything.

    `quota` limits the number of objects in a namespace by resource, such as `{"pods": 0}`. `denied` holds verbs and
    resources, such as `list persistentvolumeclaims`, that the user of the API has no right to. `webhook` is the name of
    an admission webhook and the message with which it refuses every pod.
    """

    storage_classes: Mapping[str, StorageClass] = field(default_factory=lambda: {STANDARD: StorageClass()})
    default_storage_class: str | None = STANDARD
    node: NodeSize = NodeSize()
    namespaces: tuple[str, ...] | None = None
    service_accounts: tuple[str, ...] | None = None
    images: tuple[str, ...] | None = None
    quota: Mapping[str, int] = field(default_factory=dict)
    restricted: bool = False
    webhook: tuple[str, str] | None = None
    denied: tuple[str, ...] = ()


DEFAULT = ClusterSettings()


def load(told: Mapping[str, Any]) -> ClusterSettings:
    """Return the settings that `dataclasses.asdict` and a way through JSON have made of settings."""

    def optional(key: str) -> tuple[str, ...] | None:
        return None if told[key] is None else tuple(told[key])

    webhook = told["webhook"]
    return ClusterSettings(
        storage_classes={
            name: StorageClass(tuple(values["access_modes"]), values["waits_for_consumer"])
            for name, values in told["storage_classes"].items()
        },
        default_storage_class=told["default_storage_class"],
        node=NodeSize(told["node"]["resources"], told["node"]["labels"]),
        namespaces=optional("namespaces"),
        service_accounts=optional("service_accounts"),
        images=optional("images"),
        quota=told["quota"],
        restricted=told["restricted"],
        webhook=None if webhook is None else (webhook[0], webhook[1]),
        denied=tuple(told["denied"]),
    )
