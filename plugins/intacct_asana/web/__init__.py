"""What Airflow's API server serves of ours: the receiver of Asana's webhooks."""
