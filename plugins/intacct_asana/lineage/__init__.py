"""What Airflow and OpenLineage are told of what steps read and write."""
