"""The sections of `airflow-k8s-sandbox.yaml`: what the sandbox's cluster and its Airflow hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kedro_airflow_k8s.config.kubernetes import AccessModes, Amounts, DnsName, Image, SecretKey, Selectors
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import AnyText, Text


class ClusterStorageClass(Section):
    """A storage class of the sandbox's cluster."""

    access_modes: AccessModes = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
    """The access modes that its volumes may have; a claim of another one stays unbound."""
    binding_mode: Literal["Immediate", "WaitForFirstConsumer"] = "Immediate"
    """Whether a claim is bound when it is made, or with the first pod that mounts it."""


class ClusterNode(Section):
    """The one node of the sandbox's cluster."""

    resources: Amounts = Field(default={})
    """What pods can request of it together, instead of 64 CPUs and 256Gi of memory, such as `nvidia.com/gpu`; of a
    resource without an amount there is enough."""
    labels: Selectors | None = None
    """Its labels, which node selectors must match; without this key every selector matches."""


class SandboxCluster(Section):
    """How the sandbox's cluster is set up."""

    storage_classes: dict[DnsName, ClusterStorageClass] = Field(default={})
    """Storage classes by name, beside `standard`, which is the default class. A claim of any other class stays
    unbound."""
    node: ClusterNode = ClusterNode()
    """The node that all pods run on."""
    namespaces: tuple[DnsName, ...] | None = None
    """The namespaces that exist; without this key every one does."""
    service_accounts: tuple[DnsName, ...] | None = None
    """The service accounts that exist in each namespace beside `default`; without this key every one does."""
    images: tuple[Image, ...] | None = None
    """The images that can be pulled; without this key every one can. Pods run the project, whatever their image."""
    pod_security: Literal["privileged", "restricted"] = "privileged"
    """The Pod Security Standard that every namespace enforces."""


class SandboxConfig(Section):
    """The whole of `conf/local/airflow-k8s-sandbox.yaml`."""

    secrets: dict[DnsName, dict[SecretKey, AnyText]] = Field(default={})
    """Kubernetes secrets: name, key, value."""
    variables: dict[Text, AnyText] = Field(default={})
    """Airflow Variables: name, value."""
    cluster: SandboxCluster = SandboxCluster()
    """The cluster's storage classes, its node and its rules."""
