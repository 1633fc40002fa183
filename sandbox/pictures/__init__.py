"""Pictures of Airflow's UI with our page, forms and notes in it, taken in Chromium for the documentation."""
