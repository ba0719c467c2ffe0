"""Ours: an installation in the stores, its organizations, and the three ways it is asked."""

import json
from dataclasses import dataclass

from benchmarks.contenders import Contender, Program, leads_load, run_python
from benchmarks.processes import clean_environment, granian
from benchmarks.stores import Stores

DATABASE = "bench_hub"
# So many that none reaches its 600 a minute, yet few enough to be known to every process after a warm-up.
KEYS = 250
LEADS = 1_000


@dataclass(frozen=True)
class Tenant:
    """An organization of the hub's, and what it calls with."""

    organization_id: str
    keys: list[str]
    slow_key: str

    @property
    def path(self) -> str:
        """The newest 20 leads."""
        return f"/api/partner/v1/leads?organizationId={self.organization_id}"

    @property
    def headers(self) -> list[str]:
        return [f"x-partner-api-key: {key}" for key in self.keys]


class Hub:
    """The product in a database of its own; `environment`, with `settings`, tells its processes of it."""

    def __init__(self, stores: Stores, **settings: str) -> None:
        self.stores = stores
        logins = stores.database_create(DATABASE)
        self.environment = clean_environment(
            **stores.secrets,
            DJANGO_SETTINGS_MODULE="config.settings.prod",
            DATABASE_URL=logins.application,
            DATABASE_OWNER_URL=logins.owner,
            REDIS_URL=stores.valkey.url(database=0),
            HUB_STATE=str(stores.state.root),
            LOG_LEVEL="WARNING",
            PYTHONUNBUFFERED="1",
            BENCH_AFTER="benchmarks.shipping:ship",
            **settings,
        )
        run_python("manage.py", "migrate", "--database", "owner", "-v0", environment=self.environment)

    def tenant_create(self, name: str = "Benchmark", *, keys: int = KEYS, leads: int = LEADS) -> Tenant:
        """An organization with keys and leads."""
        arguments = ("-m", "benchmarks.tenant", name, str(keys))
        tenant = Tenant(**json.loads(run_python(*arguments, environment=self.environment)))
        leads_load(self.stores, DATABASE, "leads_lead", tenant.organization_id, leads=leads)
        return tenant

    def program(
        self,
        name: str = "hub",
        *,
        wsgi: str = "config.wsgi:application",
        workers: int = 2,
        **environment: str,
    ) -> Program:
        """The product as `make run` serves it, with production's settings."""
        return Program(
            name,
            lambda port: granian(wsgi, port=port, workers=workers),
            self.environment | environment,
            wsgi=wsgi,
        )


def ours(hub: Hub, tenant: Tenant) -> list[Contender]:
    """The governed request, its refusal, and the same view with governing switched off."""
    program = hub.program()
    key_id = tenant.keys[0].partition(".")[0]
    ungoverned = hub.program("ungoverned", wsgi="benchmarks.ungoverned:application", BENCH_KEY_ID=key_id)
    slow = [f"x-partner-api-key: {tenant.slow_key}"]
    return [
        Contender("governed", "**ours, governed**", program, tenant.path, tenant.headers),
        Contender("refused", "ours, refusing (429)", program, tenant.path, slow, status=429),
        Contender("ungoverned", "ours, governing switched off", ungoverned, tenant.path),
    ]
