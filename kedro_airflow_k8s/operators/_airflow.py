"""What Airflow 2 and 3 keep in different places."""

try:  # Airflow 3
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
    from airflow.sdk import BaseOperator, TaskGroup, dag
except ImportError:  # Airflow 2
    from airflow.decorators import dag
    from airflow.models import BaseOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.sensors.external_task import ExternalTaskSensor
    from airflow.utils.task_group import TaskGroup

__all__ = ["BaseOperator", "EmptyOperator", "ExternalTaskSensor", "TaskGroup", "dag"]
