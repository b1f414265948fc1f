"""How names, labels, images and quantities are written."""

from decimal import Decimal

import pytest

from kedro_airflow_k8s.sandbox.cluster.objects import names


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.is_subdomain, ["a", "a-b.c1", "x" * 253], ["A", "a_b", "-a", "a.", "", "x" * 254, "a\n"]),
        (names.is_label, ["a", "a-b", "x" * 63], ["a.b", "x" * 64, ""]),
        (names.is_label_key, ["app", "example.com/App_1"], ["", "a/", "/a", "a b", "A.com/x", "x" * 64]),
        (names.is_label_value, ["", "a", "A_b.c-1"], ["a:b", "a+b", "-a", "a-", "x" * 64, "é"]),
        (
            names.is_image,
            ["python", "python:3.11", "reg.io:5000/a/b_c:1.0_X", "a@sha256:" + "0" * 64, "localhost/a"],
            ["Demo", "a/Demo", "a:b c", "a:", "https://a/b", "a//b", ""],
        ),
    ],
)
def test_rules(check, good, bad):
    """Each rule takes what Kubernetes takes and nothing else."""
    assert [*good] == [text for text in good + bad if check(text)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500m", "0.5"), ("1Gi", 2**30), ("1G", 10**9), (2, 2), ("1e3", 1000), ("-1", -1), (".5", "0.5"), (0.5, "0.5")],
)
def test_quantities(text, amount):
    """A quantity is a number with a suffix for a power of ten or of two."""
    assert Decimal(amount) == names.quantity(text)


@pytest.mark.parametrize("text", ["", "1 Gi", "1gb", "x", True, None, "1GiB", []])
def test_what_is_no_quantity(text):
    """Anything else is none."""
    assert names.quantity(text) is None
