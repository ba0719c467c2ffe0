"""A page of the catalogue: from cache, made anew each time, and the same bytes from the server alone."""

import statistics
import time
from contextlib import ExitStack

import psycopg

from benchmarks.contenders import Contender
from benchmarks.hub import Hub, Tenant
from benchmarks.load import Measured, load
from benchmarks.peer_programs import floor, peers_create
from benchmarks.processes import Server
from benchmarks.report import Target, publish, ratio, spread, verdicts
from benchmarks.rounds import CONNECTIONS
from benchmarks.stores import Stores
from config.embedded.state import SetUpError

OFFERS, BRANDS = 2_000, 40
PATH = "/v1/offers?category=category%203&min_commission=2"
_SETTLE_S = 1.5
_FILL = """
INSERT INTO catalog_brand (id, organization_id, environment, created_at, updated_at, external_id, name, slug,
  logo_url, website, status, overridden_fields)
SELECT md5('{tenant} brand ' || n)::uuid, '{tenant}', 'sandbox', now(), now(), '', 'Brand ' || n,
  'brand-' || n, 'https://cdn.example/' || n || '.svg', 'https://brand' || n || '.example', 'active', '{{}}'
FROM generate_series(1, {brands}) n;
INSERT INTO catalog_offer (id, organization_id, environment, created_at, updated_at, brand_id, brand_name,
  external_id, name, slug, category, description, image_urls, tracking_url, preview_url, commission_type,
  commission_value, commission_currency, default_share, status, is_hidden, regions, network_values,
  overridden_fields)
SELECT md5('{tenant} offer ' || n)::uuid, '{tenant}', 'sandbox', now() - n * interval '1 minute', now(),
  md5('{tenant} brand ' || 1 + n % {brands})::uuid, 'Brand ' || 1 + n % {brands}, '', 'Offer number ' || n,
  'offer-' || n, 'category ' || n % 8, 'What makes offer number ' || n || ' worth a click, in a sentence.',
  ARRAY['https://cdn.example/offers/' || n || '.jpg'], '', 'https://brand.example', 'percentage',
  100 + n % 900, 'USD', 5000, 'active', false, '{{}}', '{{}}', '{{}}'
FROM generate_series(1, {offers}) n;
"""


def offers(*, rounds: int, seconds: float, write: bool) -> None:
    """Measure the three in interleaved rounds, and report."""
    with Stores() as stores:
        hub = Hub(stores)
        tenant = hub.tenant_create("Offers", leads=1)
        _fill(hub, tenant)
        peers_create(stores, tenant, leads=1)
        cached = Contender("cached", "**ours, from cache**", hub.program(), PATH, tenant.headers)
        made = hub.program("uncached", wsgi="benchmarks.uncached:application")
        uncached = Contender("uncached", "ours, made anew", made, PATH, tenant.headers)
        with cached.program.server(stores) as server:
            body = cached.body(server.url)
        chosen = [cached, uncached, floor(stores, tenant, body)]
        found: dict[str, list[Measured]] = {one.name: [] for one in chosen}
        cpu: dict[str, list[float]] = {one.name: [] for one in chosen}
        with ExitStack() as stack:
            servers = {one.name: stack.enter_context(one.program.server(stores)) for one in chosen}
            for one in chosen:
                if one.body(servers[one.name].url) != body:
                    raise SetUpError(f"{one.name} answers other bytes.")
                load(
                    servers[one.name].url + one.path, headers=one.headers, connections=CONNECTIONS, seconds=3
                )
            for number in range(rounds):
                turn = number % len(chosen)
                for one in chosen[turn:] + chosen[:turn]:
                    measured, ms = _measured(one, servers[one.name], seconds)
                    found[one.name].append(measured)
                    cpu[one.name].append(ms)
                    print(
                        f"  round {number + 1}  {one.name:10} {measured.rate:9,.0f}/s  {ms:.3f} ms",
                        flush=True,
                    )
    _report(chosen, found, cpu, rounds=rounds, seconds=seconds, size=len(body), write=write)


def _measured(one: Contender, server: Server, seconds: float) -> tuple[Measured, float]:
    """A run, and the server's CPU milliseconds for each request."""
    time.sleep(_SETTLE_S)
    before = server.cpu()
    measured = load(server.url + one.path, headers=one.headers, connections=CONNECTIONS, seconds=seconds)
    time.sleep(_SETTLE_S)
    if measured.refused or measured.broken:
        raise SetUpError(f"{one.name}: {measured}")
    return measured, (server.cpu().total - before.total) * 1000 / measured.requests


def _report(
    chosen: list[Contender],
    found: dict[str, list[Measured]],
    cpu: dict[str, list[float]],
    *,
    rounds: int,
    seconds: float,
    size: int,
    write: bool,
) -> None:
    rates = {name: [measured.rate for measured in runs] for name, runs in found.items()}
    lines = [
        f"`GET {PATH}`: 20 of {OFFERS // 8} offers in the category, of {OFFERS:,} ({size:,} bytes);"
        f" {rounds} rounds of {seconds:g} s",
        f"each, interleaved, {CONNECTIONS} connections.",
        "",
        "| | requests a second | from cache is … times | p50 / p99 ms | server CPU ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in chosen:
        runs = found[one.name]
        p50, p99 = (
            statistics.median(getattr(run, name) for run in runs) / 1000 for name in ("p50_us", "p99_us")
        )
        times = "" if one.name == "cached" else ratio(rates["cached"], rates[one.name])
        lines.append(
            f"| {one.title} | {spread(rates[one.name])} | {times} | {p50:.1f} / {p99:.1f} |"
            f" {spread(cpu[one.name], '.3f')} |"
        )

    def of(name: str) -> float:
        return statistics.median(rates[name])

    def work(name: str) -> float:
        return statistics.median(cpu[name])

    targets = [
        Target("× the same list made anew", of("cached") / of("uncached"), 3),
        Target("× the same list made anew, by server CPU", work("uncached") / work("cached"), 3),
        Target("of the server's own JSON answer", of("cached") / of("floor"), 0.8),
    ]
    publish("offers", [*lines, "", *verdicts(targets)], write=write)


def _fill(hub: Hub, tenant: Tenant) -> None:
    with psycopg.connect(hub.environment["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("SET hub.operator = 'on'")
        fill = _FILL.format(tenant=tenant.organization_id, brands=BRANDS, offers=OFFERS)
        for statement in fill.split(";\n"):
            owner.execute(statement)
        owner.execute("VACUUM ANALYZE")
