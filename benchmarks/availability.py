"""What is free of 1,000 items on each of 90 days, with few lines and with 100,000."""

import statistics
from datetime import date, timedelta

import psycopg

from benchmarks.hub import Hub, Tenant
from benchmarks.load import load
from benchmarks.report import publish, spread
from benchmarks.stores import Stores

ITEMS, DAYS, LINES = 1_000, 90, 100_000
ALLOWED_MS = 150
_FIRST = date(2027, 1, 1)
# Lines of one to five days that begin in so many days from the first on.
_FILL = """
INSERT INTO rentals_item (id, organization_id, environment, created_at, updated_at, name, sku, category,
  description, quantity, price_day_minor, deposit_minor, tax_rate, currency, is_active)
SELECT md5('{tenant} item ' || n)::uuid, '{tenant}', 'sandbox', now(), now(), 'Item ' || n, '', 'Tools', '',
  1000, 5000, 0, 17, 'ILS', true FROM generate_series(1, {items}) n;
INSERT INTO rentals_order (id, organization_id, environment, created_at, updated_at, starts_at, ends_at,
  customer, notes, status, currency, subtotal_minor, tax_minor, total_minor, deposit_minor,
  deposit_kept_minor, cancellation_reason)
SELECT md5('{tenant} order ' || n)::uuid, '{tenant}', 'sandbox', now(), now(), at,
  at + (1 + n % 5) * interval '1 day', '{{"name": "Ada"}}', '', 'reserved', 'ILS', 0, 0, 0, 0, 0, ''
FROM (
  SELECT n, timestamptz '2027-01-01' + n::numeric / {lines} * {over} * interval '1 day' AS at
  FROM generate_series(1, {lines}) n) made;
INSERT INTO rentals_line (id, organization_id, environment, created_at, updated_at, order_id, item_id,
  position, name, quantity, unit_price_minor, tax_rate, subtotal_minor, tax_minor, deposit_minor,
  returned_quantity, damaged_quantity)
SELECT md5('{tenant} line ' || n)::uuid, '{tenant}', 'sandbox', now(), now(),
  md5('{tenant} order ' || n)::uuid, md5('{tenant} item ' || 1 + n % {items})::uuid, 1, 'Item', 1, 0, 17,
  0, 0, 0, 0, 0 FROM generate_series(1, {lines}) n;
INSERT INTO rentals_allocation (id, organization_id, environment, created_at, updated_at, item_id, line_id,
  during, quantity, unplanned)
SELECT md5('{tenant} taken ' || n)::uuid, '{tenant}', 'sandbox', now(), now(),
  md5('{tenant} item ' || 1 + n % {items})::uuid, md5('{tenant} line ' || n)::uuid,
  tstzrange(at, at + (1 + n % 5) * interval '1 day'), 1, false
FROM (
  SELECT n, timestamptz '2027-01-01' + n::numeric / {lines} * {over} * interval '1 day' AS at
  FROM generate_series(1, {lines}) n) made;
"""


def availability(*, rounds: int, seconds: float, write: bool) -> None:
    """Measure three inventories in interleaved rounds over one connection, and report."""
    last = _FIRST + timedelta(days=DAYS - 1)
    with Stores() as stores:
        hub = Hub(stores)
        owner = psycopg.connect(hub.environment["DATABASE_OWNER_URL"], autocommit=True)
        with owner:
            owner.execute("SET hub.operator = 'on'")
            tenants = {
                f"{LINES // 100:,} lines": _filled(owner, hub, "Few", LINES // 100, DAYS),
                f"{LINES:,} lines over a year": _filled(owner, hub, "Year", LINES, 365),
                f"{LINES:,} lines in these {DAYS} days": _filled(owner, hub, "Full", LINES, DAYS),
            }
            owner.execute("VACUUM ANALYZE")
        found: dict[str, list[float]] = {title: [] for title in tenants}
        with hub.program(workers=1).server(stores) as server:
            for _ in range(rounds):
                for title, tenant in tenants.items():
                    path = (
                        f"/api/partner/v1/inventory/availability?organizationId={tenant.organization_id}"
                        f"&from={_FIRST}&to={last}"
                    )
                    measured = load(server.url + path, headers=tenant.headers, connections=1, seconds=seconds)
                    if measured.refused or measured.broken:
                        raise SystemExit(f"{title}: {measured}")
                    found[title].append(measured.p50_us / 1000)
                    print(f"  {title:36} {found[title][-1]:6.1f} ms", flush=True)
    base = statistics.median(next(iter(found.values())))
    lines = [
        f"`GET /inventory/availability` of {ITEMS:,} items on {DAYS} days each, one connection, one web",
        f"process, {rounds} rounds of {seconds:g} s, interleaved.",
        "",
        f"| inventory | p50 ms | times the first | ≤ {ALLOWED_MS} ms |",
        "| --- | --- | --- | --- |",
    ]
    for title, values in found.items():
        verdict = "yes" if statistics.median(values) <= ALLOWED_MS else "**no**"
        ratio = statistics.median(values) / base
        lines.append(f"| {title} | {spread(values, '.0f')} | {ratio:.2f} | {verdict} |")
    publish("availability", lines, write=write)


def _filled(owner: psycopg.Connection, hub: Hub, name: str, lines: int, over: int) -> Tenant:
    tenant = hub.tenant_create(name, keys=50, leads=1)
    # the rows are known to fit: judging each would take an hour
    owner.execute("ALTER TABLE rentals_allocation DISABLE TRIGGER USER")
    fill = _FILL.format(tenant=tenant.organization_id, items=ITEMS, lines=lines, over=over)
    for statement in fill.split(";\n"):
        owner.execute(statement)
        # foreign keys of a table that nobody has counted are checked row by row
        owner.execute("ANALYZE")
    owner.execute("ALTER TABLE rentals_allocation ENABLE TRIGGER USER")
    owner.execute("SELECT rentals_ledger_rebuild(%s)", [tenant.organization_id])
    return tenant
