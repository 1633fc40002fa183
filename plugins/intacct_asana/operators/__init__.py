"""Airflow's face: thin operators that join hooks, store and the pure decisions, one per DAG step."""
