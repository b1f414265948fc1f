"""Whether a project asks for a package."""

import pytest

from kedro_airflow_k8s.project import requirements


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("requirements.txt", "kedro\nKedro_Airflow.K8s[gcp]>=1\n", True),
        ("requirements.txt", "-e git+https://example.com/kedro-airflow-k8s.git#egg=x\n", True),
        ("requirements.txt", "kedro-airflow\nkedro-airflow-k8s-extra\n# kedro-airflow-k8s\n", False),
        ("src/requirements.txt", "kedro-airflow-k8s==1.0", True),
        ("pyproject.toml", 'dependencies = ["kedro-airflow-k8s"]', True),
        ("Dockerfile", "RUN pip install kedro-airflow-k8s", True),
        ("README.md", "kedro-airflow-k8s", False),
    ],
)
def test_a_package_is_found_where_the_image_gets_it_from(tmp_path, file, text, found):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)

    assert requirements.names(tmp_path, "kedro-airflow-k8s") == found
