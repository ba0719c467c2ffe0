"""Ships the hub's log rows now: what a web process does each second, for runs that are counted, not timed."""

from django.conf import settings

from credentials.usage import spool, spool_ship


def ship() -> None:
    """Ship this process's rows."""
    spool.rotate()
    spool_ship(settings.STATE_DIR / "usage")
