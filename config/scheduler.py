"""Celery beat, safe to run on several hosts: one of them ticks, and another takes over when it dies."""

from typing import Any

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django_celery_beat.schedulers import DatabaseScheduler

log = structlog.get_logger(__name__)

_LOCK = "hub.scheduler"
# How often those that wait try again.
_TRY_EVERY_S = 5


class OneOfManyScheduler(DatabaseScheduler):
    """Schedules in the database; ticks only while it holds an advisory lock of PostgreSQL.

    The lock lives as long as its connection: a scheduler that dies, hangs up or loses its host frees it.
    Schedules of the settings are written once, and what people change in the admin stays.
    """

    _session: psycopg.Connection[Any] | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due and answer the seconds until the next time; others only wait their turn."""
        if not self._holds_the_lock():
            return _TRY_EVERY_S
        try:
            return super().tick(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            log.warning("scheduler_without_database", error=str(error))
            close_old_connections()
            self._schedule_is_old()
            return _TRY_EVERY_S

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        """Add the schedules that the database does not know yet."""
        known = set(self.Model.objects.filter(name__in=mapping).values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in known})

    def _holds_the_lock(self) -> bool:
        try:
            if self._session is not None:
                self._session.execute("SELECT 1")
                return True
            session = psycopg.connect(**_parameters(), autocommit=True)
            held = session.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [_LOCK]).fetchone()
            if held and held[0]:
                log.info("scheduler_leads")
                self._session = session
                # what another one did meanwhile is read again
                self._schedule_is_old()
                return True
            session.close()
        except psycopg.Error as error:
            log.warning("scheduler_without_database", error=str(error))
            self._session = None
        return False

    def _schedule_is_old(self) -> None:
        self._initial_read, self._schedule, self._heap = True, None, None


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    named = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "options")
    # a dead host is noticed, and its lock freed, within half a minute
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 5}
    return {name: given[name] for name in named if name in given} | alive
