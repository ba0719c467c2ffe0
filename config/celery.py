"""The Celery application: `celery -A config worker|beat`.

Messages carry ids only; the rows they name are the truth (docs/architecture.md, the job's way).
"""

import os

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init
from django.conf import settings
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
# the checks load every page and its parts, which no worker needs; `make check` and the tests run them
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")
app = Celery("partner_hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Django's LOGGING stands; without a receiver Celery would replace it."""


@task_prerun.connect
@task_postrun.connect
def give_connections_back(**_: object) -> None:
    """As Django does around a request: connections go back to the pool, broken ones end."""
    close_old_connections()


@worker_init.connect
def refuse_an_unconfined_role(**_: object) -> None:
    """A worker whose database role could bypass row-level security does not start."""
    from config import tenancy  # noqa: PLC0415 (needs the app registry, which loads after this module)

    if settings.TENANCY_GUARD:
        tenancy.refuse_unconfined_role()
