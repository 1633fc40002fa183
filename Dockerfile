# Airflow with our package, DAGs and flow files in it. Everything is installed here, nothing when a container starts.
#
#   docker compose build
ARG AIRFLOW_VERSION=3.3.2
FROM apache/airflow:${AIRFLOW_VERSION}

# In the official image only lxml is new, and only lxml is touched: what Airflow's own release pinned stays.
COPY requirements.txt constraints.txt /opt/airflow/build/
RUN grep '^lxml' /opt/airflow/build/requirements.txt > /tmp/new.txt \
    && pip install --no-cache-dir --no-deps -r /tmp/new.txt -c /opt/airflow/build/constraints.txt \
    && rm /tmp/new.txt

COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root deploy/entrypoint.py deploy/init.sh /opt/airflow/deploy/

# The package and its connection types are found here, by every process (plugins/intacct_asana-*.dist-info).
ENV PYTHONPATH=/opt/airflow/plugins
# A build that cannot load what the DAGs need fails here, not in somebody's scheduler.
RUN python -m compileall -q /opt/airflow/plugins \
    && python -c "import lxml, psycopg2, intacct_asana.plugin, intacct_asana.store, intacct_asana.dag_parts"

USER airflow
# Where exports of the evidence go. A volume that is mounted here belongs to this user too.
RUN mkdir -m 775 -p /opt/airflow/intacct_asana_exports
ENTRYPOINT ["/usr/bin/dumb-init", "--", "python", "/opt/airflow/deploy/entrypoint.py", "/entrypoint"]
