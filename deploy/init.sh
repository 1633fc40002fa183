#!/bin/bash
# Run by airflow-init before anything else starts, and safe to repeat: databases, the DAGs' account of the store, pools, the first user.
set -eu
airflow db migrate
python -m intacct_asana store migrate --connection intacct_asana_store_owner --grant-to intacct_asana --password-from STORE_PASSWORD
# Pools that somebody made larger stay as they are.
airflow pools get intacct_api > /dev/null 2>&1 || airflow pools set intacct_api 1 "Calls to one Intacct company at a time"
airflow pools get asana_api > /dev/null 2>&1 || airflow pools set asana_api 4 "Tasks that talk to Asana with one token"
case "$AIRFLOW__CORE__AUTH_MANAGER" in
*FabAuthManager)
    # Who is there already keeps their password.
    airflow users create --username "$AIRFLOW_ADMIN" --password "$AIRFLOW_ADMIN_PASSWORD" \
        --firstname AP --lastname Admin --role Admin --email admin@example.com
    ;;
esac
