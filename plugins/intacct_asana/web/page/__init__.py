"""The page "Intacct and Asana" in Airflow's UI: what each flow did, what waits for whom, and what proves it."""
