"""Production: refuses to start with a secret that somebody else could know."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    CREDENTIAL_HASH_KEY,
    FIELD_ENCRYPTION_KEY,
    SECRET_KEY,
    WEBHOOK_SECRET,
    env,
)

for _name, _value in {
    "SECRET_KEY": SECRET_KEY,
    "CREDENTIAL_HASH_KEY": CREDENTIAL_HASH_KEY,
    "FIELD_ENCRYPTION_KEY": FIELD_ENCRYPTION_KEY,
    "WEBHOOK_SECRET": WEBHOOK_SECRET,
}.items():
    if len(_value) < 32 or "change-me" in _value or "insecure" in _value or len(set(_value)) < 8:
        raise ImproperlyConfigured(
            f"{_name} is missing, short or a default; make one with:"
            " python -c 'import base64,os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        )

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^sites/ask$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
if env.int("TRUSTED_PROXIES", default=0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
