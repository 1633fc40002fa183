"""What Airflow's triggerer runs: watchers that start DAGs early. Never needed for correctness."""
