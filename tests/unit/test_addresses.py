"""What is hidden of an address before it is shown."""

import pytest

from kedro_airflow_k8s.addresses import has_password, public


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://user:planted@host/path", "https://...@host/path"),
        ("https://user:pla/nted@host/path", "https://...@host/path"),
        ("https://user:12/planted@host", "https://...@host"),
        ("https://user:pl@nted@host/path", "https://...@host/path"),
        ("https://planted@host", "https://...@host"),
        ("user:planted@registry.example.com/demo:1", "...@registry.example.com/demo:1"),
        ("planted@registry.example.com/demo:1", "...@registry.example.com/demo:1"),
        ("https://host/path?sig=planted", "https://host/path?..."),
        ("host.example.com/path?sig=planted&x#y", "host.example.com/path?..."),
        ("https://host#planted", "https://host#..."),
        ("https://host/path/#planted/planted", "https://host/path/#..."),
        ("slack://planted-0123456789", "slack://..."),
        ("airflow://plant-ed_Token123", "airflow://..."),
        ("cannot open 'sr://me:planted@host/x': no, not 'https://a?b=planted'", None),
    ],
)
def test_what_may_be_secret_is_hidden(address, expected):
    """Whatever form the address has, also within a text."""
    assert "plant" not in public(address)
    assert public(address) == (expected or "cannot open 'sr://...@host/x': no, not 'https://a?...'")


@pytest.mark.parametrize(
    "address",
    [
        "https://airflow.example.com:8080/team/airflow",
        "https://localhost",
        "s3://bucket",
        "s3://a-bucket-of-a-long-name",
        "sr://bucket",
        "s3://bucket/a@b",
        "gs://bucket/dags",
        "hdfs://host/dags",
        "sqlite:///mlflow.db",
        f"localhost:5000/demo:1@sha256:{'0a' * 32}",
        "/home/me/a:b@c",
        "./a@b",
        "What? Is it #1?",
    ],
)
def test_the_rest_of_an_address_is_shown(address):
    """Paths, buckets, ports and the digest of an image are no secrets."""
    assert public(address) == address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("sftp://me:planted@host/dags", True),
        ("s3://AKIA:abc/de+f@bucket/dags", True),
        ("sftp://me:${password}@host/dags", False),
        ("hdfs://host:8020/a@b", False),
        ("abfs://dags@account.dfs.core.windows.net/x", False),
    ],
)
def test_a_password_is_told_from_a_port_and_from_a_reference(address, expected):
    """Only what is certainly one is refused."""
    assert has_password(address) is expected
