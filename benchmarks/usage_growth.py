"""The usage dashboard over 30 days of 5,000,000 request rows, from roll-ups and, beside it, from the rows.

`.venv/bin/python -m benchmarks.usage_growth [--rows 5000000] [--calls 200]` fills a throw-away database
(about 5 GB under $TMPDIR; durability off), rolls its log up as `usage_rebuild` does, and asks the endpoint as
an owner of the organization that has most of the rows. Django's test client goes the whole way through
middleware, sign-in, view and serializer.
"""

import argparse
import importlib
import os
import sys

import django

from config.embedded import testing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--calls", type=int, default=200)
    arguments = parser.parse_args()
    try:
        os.environ.update(testing.start_test_stores())
        testing.create_database("hub_usage")
        os.environ.update(testing.environment(database="hub_usage", redis_database=0))
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        django.setup()
        # its models exist only now
        importlib.import_module("benchmarks.usage_figures").measure(**vars(arguments))
    finally:
        testing.stop_test_stores()
    return 0


if __name__ == "__main__":
    sys.exit(main())
