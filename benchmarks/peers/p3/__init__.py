"""The Celery application is there before Django's apps are, as Celery's documentation has it."""

from p3.celery import app as celery_app

__all__ = ("celery_app",)
