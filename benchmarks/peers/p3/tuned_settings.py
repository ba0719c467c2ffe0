"""The same, set up by somebody who measures: connections to PostgreSQL stay open, no results are kept."""

from p3.settings import *  # noqa: F403
from p3.settings import DATABASES

# One for each thread of the worker: Celery would close an ordinary connection after each task.
DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 64, "timeout": 10}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_DISABLE_RATE_LIMITS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
