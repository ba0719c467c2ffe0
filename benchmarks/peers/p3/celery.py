"""The Celery application, as "First steps with Django" of Celery's documentation has it."""

from celery import Celery

app = Celery("p3")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
