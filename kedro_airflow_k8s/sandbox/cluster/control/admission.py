"""What a cluster refuses although it is well-formed: missing rights, accounts and namespaces, quotas, policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from kedro_airflow_k8s.sandbox.cluster.objects.refusal import Json, Refusal, forbidden, not_found
from kedro_airflow_k8s.sandbox.cluster.objects.store import Store
from kedro_airflow_k8s.sandbox.cluster.settings import ClusterSettings

_USER = "system:serviceaccount:airflow:airflow"
_SECCOMP = ("RuntimeDefault", "Localhost")


def authorize(settings: ClusterSettings, verb: str, resource: str, namespace: str, name: str = "") -> None:
    """Raise Refusal (403) if the user may not do that, as the role-based access control of a cluster words it."""
    if f"{verb} {resource}" in settings.denied:
        object_ = f'{resource} "{name}"' if name else resource
        raise forbidden(
            f'{object_} is forbidden: User "{_USER}" cannot {verb} resource "{resource}" in API group "" '
            f'in the namespace "{namespace}"',
            resource,
            name,
        )


def admit(settings: ClusterSettings, store: Store, resource: str, item: Json) -> None:
    """Raise Refusal if a cluster with these settings does not take a new object that is well-formed."""
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    if settings.namespaces is not None and namespace not in settings.namespaces:
        raise not_found("namespaces", namespace)
    if resource == "pods" and (why := _refusal_of_pod(settings, item)):
        raise forbidden(f'pods "{name}" is forbidden: {why}', resource, name)
    if resource == "pods" and settings.webhook is not None:
        webhook, message = settings.webhook
        raise Refusal(403, "Forbidden", f'admission webhook "{webhook}" denied the request: {message}')
    limit, used = settings.quota.get(resource), len(store.all(resource, namespace))
    if limit is not None and used >= limit:
        why = f"exceeded quota: quota, requested: {resource}=1, used: {resource}={used}, limited: {resource}={limit}"
        raise forbidden(f'{resource} "{name}" is forbidden: {why}', resource, name)


def _refusal_of_pod(settings: ClusterSettings, pod: Json) -> str | None:
    account = pod["spec"].get("serviceAccountName") or "default"
    known = settings.service_accounts
    if known is not None and account not in (*known, "default"):
        where = f"{pod['metadata']['namespace']}/{account}"
        return f'error looking up service account {where}: serviceaccount "{account}" not found'
    if settings.restricted and (violations := list(_violations(pod["spec"]))):
        return f'violates PodSecurity "restricted:latest": {", ".join(violations)}'
    return None


def _violations(spec: Json) -> Iterator[str]:
    """Yield what the Pod Security Standard "restricted" finds wrong with a pod."""
    pod = spec.get("securityContext", {})
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    # A container takes from its pod what it does not say itself.
    contexts = {container["name"]: {**pod, **container.get("securityContext", {})} for container in containers}

    def breaking(keeps: Callable[[Json], bool]) -> str:
        return _named([name for name, context in contexts.items() if not keeps(context)])

    if who := breaking(lambda context: context.get("allowPrivilegeEscalation") is False):
        yield f"allowPrivilegeEscalation != false ({who} must set securityContext.allowPrivilegeEscalation=false)"
    if who := breaking(lambda context: "ALL" in context.get("capabilities", {}).get("drop", [])):
        yield f'unrestricted capabilities ({who} must set securityContext.capabilities.drop=["ALL"])'
    if who := breaking(lambda context: context.get("runAsNonRoot") is True):
        yield f"runAsNonRoot != true (pod or {who} must set securityContext.runAsNonRoot=true)"
    if who := breaking(lambda context: context.get("seccompProfile", {}).get("type") in _SECCOMP):
        allowed = '"RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {who} must set securityContext.seccompProfile.type to {allowed})"


def _named(containers: list[str]) -> str:
    if not containers:
        return ""
    word = "container" if len(containers) == 1 else "containers"
    return f"{word} {', '.join(json.dumps(name) for name in containers)}"
