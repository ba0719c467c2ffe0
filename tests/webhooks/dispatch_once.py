"""`python -m tests.webhooks.dispatch_once`: a dispatcher in a process of its own."""

import django

django.setup()

from webhooks.dispatcher import drain  # noqa: E402 (needs the app registry)

drain()
