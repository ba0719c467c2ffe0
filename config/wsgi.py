"""The WSGI application that granian or gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
pages = get_wsgi_application()

from django.conf import settings  # noqa: E402 (after the environment is set)

from config import tenancy  # noqa: E402 (needs the app registry)
from config.api.gateway import Door, Gateway  # noqa: E402
from credentials.middleware import governed_answer, is_api_path  # noqa: E402
from rewards.door import is_link, link_answer  # noqa: E402

application = Gateway(
    pages, is_api_path=is_api_path, answer=governed_answer, doors=(Door(is_link, link_answer),)
)

if settings.TENANCY_GUARD:
    tenancy.refuse_unconfined_role()

# What is loaded by now stays for good, and requests leave few cycles behind: look for those less often.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
