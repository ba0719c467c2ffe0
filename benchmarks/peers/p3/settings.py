"""What a Django team builds today: django-webhook, as its quickstart has it, on PostgreSQL and Redis."""

import os

SECRET_KEY = "benchmark-only"
INSTALLED_APPS = ["django_webhook", "p3"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}}
USE_TZ = True
TIME_ZONE = "UTC"
DJANGO_WEBHOOK = {"MODELS": ["p3.Lead"]}
CELERY_BROKER_URL = os.environ["P3_BROKER"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
