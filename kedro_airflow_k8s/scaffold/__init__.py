"""What `init` writes: a first `airflow-k8s.yaml`, and workflows that build, run and schedule the pipeline."""

from kedro_airflow_k8s.scaffold.configuration import OUTPUT, configuration, names
from kedro_airflow_k8s.scaffold.workflows import FOLDER, Pipeline, workflows

__all__ = ["FOLDER", "OUTPUT", "Pipeline", "configuration", "names", "workflows"]
