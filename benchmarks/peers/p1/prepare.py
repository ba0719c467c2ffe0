"""`python -m p1.prepare KEYS`: migrate, and print that many keys as JSON."""

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402 (needs the app registry)
from rest_framework_api_key.models import APIKey  # noqa: E402


def main(keys: int) -> None:
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    json.dump([APIKey.objects.create_key(name=f"Partner {number}")[1] for number in range(keys)], sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
