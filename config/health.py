"""`/livez` and `/readyz`: whether the process lives, and whether it may serve."""

import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from config import tenancy
from credentials.store import store

_migrated: list[bool] = []


@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all; asks nothing of any store."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 once database, role, policies, migrations and broker are as they must be; 503 with what is not."""
    checks = {"database": _database(), "migrations": _migrations(), "broker": _broker()}
    ready = all(problem == "" for problem in checks.values())
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {name: problem or "ok" for name, problem in checks.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> str:
    try:
        return "; ".join(tenancy.unconfined_reasons())
    except DatabaseError:
        return "the database does not answer"


def _migrations() -> str:
    if _migrated:  # migrations do not unapply themselves
        return ""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations are pending: run migrate --database owner"
    except DatabaseError:
        return "the database does not answer"
    _migrated.append(True)
    return ""


def _broker() -> str:
    try:
        store.ping()
    except redis.RedisError:
        return "the broker does not answer"
    return ""
