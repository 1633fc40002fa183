"""Named in Celery's `imports`, this has a Celery worker import the steps before it forks its pool.

    AIRFLOW__CELERY__EXTRA_CELERY_CONFIG={"imports": ["intacct_asana.workers.celery"]}

The worker's first process imports what Celery's configuration names before it makes its pool, and tasks are forks of that
(https://docs.celeryq.dev/en/stable/userguide/configuration.html#imports). Other parts of Airflow may have the same
configuration, and do not import it. Importing this never fails, since a worker whose imports fail does not start.
"""

from __future__ import annotations

from intacct_asana.workers.preload import preload

preload()
