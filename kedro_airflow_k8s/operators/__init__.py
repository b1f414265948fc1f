"""What runs inside Airflow: operators that the generated DAG file embeds as source."""
