"""Loaded once by the server that confined attempts are forked from (jobs/confinement.py)."""

import django

django.setup()
