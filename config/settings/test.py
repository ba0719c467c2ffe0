"""The test suite: real PostgreSQL and Redis-compatible servers, quick password hashing."""

from config.settings.base import *  # noqa: F403
from config.settings.base import STORAGES, env

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
SECOND_FACTOR_REQUIRED = False
OUTBOUND_ALLOW_LOOPBACK = True
ALLOWED_HOSTS = ["*"]
# processes that tests start serve without collectstatic; here each client would look for the files anew
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", default=False)
# tests ship rows when they look at them
USAGE_SHIP_EVERY_S = env.float("USAGE_SHIP_EVERY_S", default=0.0)
SITES_DOMAIN = "sites.test"
