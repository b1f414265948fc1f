"""What the places where code runs must agree on: the user's machine, Airflow's workers and the pods."""

# The tag of every DAG of ours: Airflow finds DAGs by whole tags only.
TAG = "kedro-airflow-k8s"

# Ids of task groups and tasks in the generated DAG.
NODE_GROUP = "kedro"
SENSOR_GROUP = "external_pipelines"
FINAL_TASK = "final"
CREATE_STORAGE_TASK = "create_pipeline_storage"
INIT_STORAGE_TASK = "data_volume_init"
DELETE_STORAGE_TASK = "delete_pipeline_storage"
DELETE_INTERMEDIATE_TASK = "delete_intermediate_data"
START_MLFLOW_TASK = "start_mlflow_run"
FINISH_MLFLOW_TASK = "finish_mlflow_run"

# Keys of labels and annotations of pods and claims.
LABEL_PREFIX = "kedro-airflow-k8s/"
PROJECT_LABEL = f"{LABEL_PREFIX}project"
PIPELINE_LABEL = f"{LABEL_PREFIX}pipeline"
NODE_LABEL = f"{LABEL_PREFIX}node"
DAG_LABEL = f"{LABEL_PREFIX}dag"
RUN_LABEL = f"{LABEL_PREFIX}run"
DAG_ANNOTATION = f"{LABEL_PREFIX}dag-id"
RUN_ANNOTATION = f"{LABEL_PREFIX}run-id"
# A claim that the next run of the DAG leaves alone until its own run has succeeded.
KEEP_ANNOTATION = f"{LABEL_PREFIX}keep-on-failure"
# The entry of run_config.resources that a pod is made by, if it is not the default one.
RESOURCES_ANNOTATION = f"{LABEL_PREFIX}resources"

# Environment variables of the pods.
CONFIG_PREFIX = "KEDRO_CONFIG_"
STORE = "KEDRO_AIRFLOW_K8S_STORE"
STORE_CREDENTIALS = "KEDRO_AIRFLOW_K8S_STORE_CREDENTIALS"
INTERMEDIATE_DATASETS = "KEDRO_AIRFLOW_K8S_INTERMEDIATE_DATASETS"
MLFLOW_TRACKING_URI = "MLFLOW_TRACKING_URI"
MLFLOW_RUN_ID = "MLFLOW_RUN_ID"

# How a line of a task's log begins in which an operator says why its pod waits, or how it ended.
POD_WAITS = "Pod waits: "
POD_ENDED = "Pod ended: "
