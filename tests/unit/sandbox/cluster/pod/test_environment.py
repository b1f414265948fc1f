"""The environment of a container."""

import pytest

from kedro_airflow_k8s.sandbox.cluster.pod.environment import ConfigError, arguments, expand, variables

POD = {
    "metadata": {"name": "a", "namespace": "lab", "uid": "1-2", "labels": {"app": "demo"}},
    "spec": {"serviceAccountName": "runner"},
}
SECRETS = {"login": {"USER": "me", "PASSWORD": "$(A)\n'\"é", "1st": "x"}}


def found(*env, source=(), skipped=lambda text: None):
    return variables({"env": list(env), "envFrom": list(source)}, POD, SECRETS, skipped)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A) and $(B)", "1 and 2"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(MISSING)", "$(MISSING)"),
        ("$A $ $() $(A", "$A $ $() $(A"),
        ("`$(A)`", "`1`"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text, expanded):
    """`$(NAME)` stands for a value, `$$` for a dollar, and all else for itself."""
    assert expanded == expand(text, {"A": "1", "B": "2"})


def test_a_variable_may_refer_to_those_before_it():
    """Values see what was set before them, those of secrets included, which are not expanded themselves."""
    env = ({"name": "A", "value": "$(LATER) $(USER)"}, {"name": "LATER", "value": "$(A)!"})

    values = found(*env, source=[{"secretRef": {"name": "login"}}])

    assert {"USER": "me", "PASSWORD": "$(A)\n'\"é", "A": "$(LATER) me", "LATER": "$(LATER) me!"} == values


def test_all_keys_of_a_secret_with_a_prefix():
    """A prefix can make a valid name of a key that is none."""
    values = found(source=[{"prefix": "X_", "secretRef": {"name": "login"}}])

    assert ["X_USER", "X_PASSWORD", "X_1st"] == list(values)


def test_keys_that_name_no_variable_are_told():
    """Such keys are left out with an event that lists them."""
    told = []

    found(source=[{"secretRef": {"name": "login"}}], skipped=told.append)

    assert 1 == len(told)
    assert told[0].startswith("Keys [1st] from the EnvFrom secret lab/login were skipped")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "a"),
        ("metadata.namespace", "lab"),
        ("metadata.uid", "1-2"),
        ("metadata.labels['app']", "demo"),
        ("metadata.annotations['none']", ""),
        ("spec.serviceAccountName", "runner"),
        ("status.podIP", "127.0.0.1"),
    ],
)
def test_fields_of_the_pod(path, value):
    """A variable can hold what the pod is."""
    assert {"F": value} == found({"name": "F", "valueFrom": {"fieldRef": {"fieldPath": path}}})


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "login", "key": "k"}}, "couldn't find key k in Secret lab/login"),
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, 'configmap "c" not found'),
    ],
)
def test_what_is_missing_is_told_as_a_kubelet_does(reference, message):
    """A missing secret or key is an error, unless the variable is optional: then it is not set."""
    with pytest.raises(ConfigError) as caught:
        found({"name": "A", "valueFrom": reference})
    kind, target = next(iter(reference.items()))

    assert message == str(caught.value)
    assert {} == found({"name": "A", "valueFrom": {kind: {**target, "optional": True}}})


def test_a_missing_secret_of_which_all_keys_are_wanted():
    """The same holds for envFrom."""
    with pytest.raises(ConfigError, match='secret "none" not found'):
        found(source=[{"secretRef": {"name": "none"}}])

    assert {} == found(source=[{"secretRef": {"name": "none", "optional": True}}])


def test_arguments_are_expanded_too():
    """Command and arguments see the container's variables."""
    container = {"command": ["echo", "$(A)"], "args": ["$$(A)", "$(A) b"]}

    assert ("echo", "1", "$(A)", "1 b") == arguments(container, {"A": "1"})
