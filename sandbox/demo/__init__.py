"""`script/demo`: the whole loop with real Airflow against the sandbox, watched from outside."""
