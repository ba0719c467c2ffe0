"""The same application, with one requests.Session for each thread instead of one for each webhook."""

import threading

from celery.signals import worker_init
from requests import Session

from p3.celery import app

__all__ = ["app"]
_kept = threading.local()


def session() -> Session:
    """This thread's session, whose connections stay open."""
    if not hasattr(_kept, "session"):
        _kept.session = Session()
    return _kept.session


@worker_init.connect
def keep_sessions(**_: object) -> None:
    from django_webhook import tasks  # noqa: PLC0415 (needs the app registry)

    tasks.Session = session
