"""The test suite: real PostgreSQL and Redis-compatible servers, quick password hashing."""

import sys

from config.settings.base import *  # noqa: F403
from config.settings.base import STORAGES, env

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
SECOND_FACTOR_REQUIRED = False
OUTBOUND_ALLOW_LOOPBACK = True
ALLOWED_HOSTS = ["*"]
# what tests start serves without collectstatic; in pytest's own process each client would look for files anew
WHITENOISE_USE_FINDERS = "pytest" not in sys.modules
# tests ship rows when they look at them
USAGE_SHIP_EVERY_S = env.float("USAGE_SHIP_EVERY_S", default=0.0)
SITES_DOMAIN = "sites.test"
