"""Installing and running a real Airflow on this machine."""
