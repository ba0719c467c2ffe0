"""Ours: an installation in the stores, with one organization, asked in three ways."""

import json
from dataclasses import dataclass

from benchmarks.contenders import Contender, Program, leads_load, run_python
from benchmarks.processes import clean_environment, granian
from benchmarks.stores import Stores

DATABASE = "bench_hub"
# So many that no key comes near its 600 a minute; for each contender the same.
KEYS = 500
LEADS = 1_000


@dataclass(frozen=True)
class Hub:
    """How its processes are told of the stores, and what its organization calls with."""

    environment: dict[str, str]
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

    def program(self, *, workers: int = 2) -> Program:
        """The product as `make run` serves it, with production's settings."""
        application = "config.wsgi:application"
        return Program(
            "hub",
            lambda port: granian(application, port=port, workers=workers),
            self.environment,
            wsgi=application,
        )


def hub_create(stores: Stores, *, leads: int = LEADS) -> Hub:
    """Migrate an empty hub, and give it an organization with keys and leads."""
    logins = stores.database_create(DATABASE)
    environment = clean_environment(
        **stores.secrets,
        DJANGO_SETTINGS_MODULE="config.settings.prod",
        DATABASE_URL=logins.application,
        DATABASE_OWNER_URL=logins.owner,
        REDIS_URL=stores.valkey.url(database=0),
        HUB_STATE=str(stores.state.root),
        LOG_LEVEL="WARNING",
        PYTHONUNBUFFERED="1",
    )
    run_python("manage.py", "migrate", "--database", "owner", "-v0", environment=environment)
    tenant = json.loads(run_python("-m", "benchmarks.tenant", str(KEYS), environment=environment))
    leads_load(stores, DATABASE, "leads_lead", tenant["organization_id"], last=leads)
    return Hub(environment, **tenant)


def ours(hub: Hub) -> list[Contender]:
    """The governed request, its refusal, and the same view with governing switched off."""
    program = hub.program()
    ungoverned = Program(
        "ungoverned",
        program.command,
        hub.environment
        | {
            "DJANGO_SETTINGS_MODULE": "benchmarks.ungoverned_settings",
            "BENCH_KEY_ID": hub.keys[0].partition(".")[0],
        },
        wsgi=program.wsgi,
    )
    slow = [f"x-partner-api-key: {hub.slow_key}"]
    return [
        Contender("governed", "**ours, governed**", program, hub.path, hub.headers),
        Contender("refused", "ours, refusing (429)", program, hub.path, slow, status=429),
        Contender("ungoverned", "ours, governing switched off", ungoverned, hub.path),
    ]
