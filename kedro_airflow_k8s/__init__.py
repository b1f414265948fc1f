"""Compile a Kedro pipeline into an Airflow DAG whose nodes run in Kubernetes pods."""

__version__ = "1.0.0"
