"""Production's settings with the governing middleware exchanged for benchmarks/ungoverned.py."""

from config.settings.prod import *  # noqa: F403
from config.settings.prod import MIDDLEWARE

_GOVERNING = "credentials.middleware.GovernedRequestMiddleware"
MIDDLEWARE = ["benchmarks.ungoverned.UngovernedMiddleware" if it == _GOVERNING else it for it in MIDDLEWARE]
