"""The WSGI application that granian or gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 (after the environment is set)

from config import tenancy  # noqa: E402 (needs the app registry)

if settings.TENANCY_GUARD:
    tenancy.refuse_unconfined_role()
