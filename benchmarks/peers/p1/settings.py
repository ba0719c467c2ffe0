"""What a Django team builds today: djangorestframework-api-key, DRF's throttle on Redis, a log row a request.

Set up as kindly as its documentation allows: production settings, connections kept open, hiredis, no
middleware that an API does not need, and the key package's fast SHA-512 hash.
"""

import os

SECRET_KEY = "benchmark-only"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "listing.urls"
INSTALLED_APPS = ["rest_framework", "rest_framework_api_key", "listing", "p1"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "p1.middleware.RequestLogMiddleware",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        # a connection for each thread; measured a little quicker than CONN_MAX_AGE under gunicorn too
        "OPTIONS": {"pool": {"min_size": 8, "max_size": 8, "timeout": 10}},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"unix://{os.environ['REDIS_SOCKET']}?db=1",
    }
}
USE_TZ = True
TIME_ZONE = "UTC"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework_api_key.permissions.HasAPIKey"],
    "DEFAULT_THROTTLE_CLASSES": ["p1.throttling.KeyRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"key": "600/min"},
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
