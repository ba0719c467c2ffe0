"""`make bench ARGS=ledger`: large accounts read, and postbacks taken in, on stores of its own."""

import json
import os
import secrets
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.hub import DATABASE, Hub
from benchmarks.ledger.filling import account_fill
from benchmarks.load import load, wrk_path
from benchmarks.peer_programs import floor_program
from benchmarks.processes import Remote
from benchmarks.report import publish, spread
from benchmarks.stores import Stores
from config.embedded.state import SetUpError

ENTRIES, ALLOWED_MS, ALLOWED_RATE = 1_000_000, 50, 500
_CALLS = 200
_CONNECTIONS = 16
_ANSWER = b'{"conversion_id":"01a220d4-062f-709c-91a5-0d9936757262","result":"recorded","status":"approved"}'
_SCRIPT = Path(__file__).with_name("postbacks.lua")


def ledger(*, rounds: int, seconds: float, entries: int, write: bool) -> None:
    """Measure, check that nothing was lost or credited twice, and report."""
    with Stores() as stores:
        # the load comes from one address
        hub = Hub(stores, POSTBACKS_PER_MINUTE="6000000")
        with Remote(
            "books", "benchmarks.ledger.books", environment=hub.environment, log=stores.state.log
        ) as books:
            secret = secrets.token_hex(8)
            print(f"Filling an account with {entries:,} entries…", flush=True)
            large = books.ask("campaign_create", secret=secrets.token_hex(8))["organization_id"]
            accounts = books.ask("accounts_open", organization_id=large)
            with stores.superuser(DATABASE) as superuser:
                account_fill(superuser, large, accounts, entries)
            closed_s = books.ask("statement_close")
            reads = books.ask("reads", organization_id=large, calls=_CALLS)
            for name, found in reads.items():
                print(f"  {name:32} {statistics.median(found):6.2f} ms", flush=True)
            mine = books.ask("campaign_create", secret=secret)
            runs = _postbacks(stores, hub, mine, secret, rounds=rounds, seconds=seconds)
            booked = books.ask("booked", organization_id=mine["organization_id"])
    _check(runs, booked)
    publish("ledger", _lines(entries, closed_s, reads, runs, booked, seconds), write=write)


def _postbacks(
    stores: Stores, hub: Hub, mine: dict[str, str], secret: str, *, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Rounds of postbacks, each beside what the server answers without any work: machines differ."""
    runs = []
    with hub.program().server(stores) as server, floor_program(stores, _ANSWER).server(stores) as floor:
        path = f"/postbacks/{mine['network_id']}?" + urlencode({"secret": secret, "payout": "10.00"})
        for number in range(rounds + 1):
            before, stores_before = server.cpu().total, stores.cpu().total
            # the first warms up, and counts for what must be booked
            run = _wrk(server.url, path, mine["codes"], f"r{number}", 2 if number == 0 else seconds)
            run["server_ms"] = (server.cpu().total - before) * 1000 / run["requests"]
            run["stores_ms"] = (stores.cpu().total - stores_before) * 1000 / run["requests"]
            run["bare_rate"] = load(
                floor.url, headers=[""], connections=_CONNECTIONS, seconds=1 if number == 0 else seconds
            ).rate
            runs.append(run)
            print(
                f"  {run['requests'] / run['seconds']:8.0f} postbacks/s"
                f" {run['server_ms']:.2f} + {run['stores_ms']:.2f} ms CPU",
                flush=True,
            )
    return runs


def _wrk(url: str, path: str, codes: str, name: str, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as directory:
        result = Path(directory, "result")
        command = [wrk_path(), "-c", str(_CONNECTIONS), "-t", "2", "-d", f"{max(1, round(seconds))}s"]
        done = subprocess.run(  # noqa: S603 (our own command)
            [*command, "--latency", "-s", str(_SCRIPT), "--timeout", "20s", url],
            env=os.environ
            | {
                "BENCH_CODES": codes,
                "BENCH_PATH": path,
                "BENCH_RUN": name,
                "BENCH_RESULT": str(result),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode or not result.exists():
            raise SetUpError(f"wrk failed:\n{done.stdout}")
        return json.loads(result.read_text())


def _check(runs: list[dict[str, Any]], booked: dict[str, int]) -> None:
    """Nothing answered was lost, nothing was credited twice; wrk drops what is under way at its end."""
    recorded = sum(run["recorded"] for run in runs)
    under_way = len(runs) * _CONNECTIONS
    refused = sum(run["other"] + run["broken"] for run in runs)
    problems = []
    if refused:
        problems.append(f"{refused} postbacks were refused or not answered")
    if not recorded <= booked["conversions"] <= recorded + under_way:
        problems.append(f"{recorded} were recorded and {booked['conversions']} are there")
    if booked["receivable"] != booked["conversions"] * 1000:
        problems.append(f"{booked['conversions']} conversions are booked as {booked['receivable']}")
    if booked["differences"]:
        problems.append(f"{booked['differences']} differences in the books")
    if problems:
        raise SystemExit("; ".join(problems))


def _lines(
    entries: int,
    closed_s: float,
    reads: dict[str, list[float]],
    runs: list[dict[str, Any]],
    booked: dict[str, int],
    seconds: float,
) -> list[str]:
    lines = [
        f"An account of {entries:,} entries (of {2 * entries:,} in the table), {_CALLS} reads each, one",
        "after the other, tenant context included. Closing its whole statement for the first time took",
        f"{closed_s:.1f} s.",
        "",
        f"| read | p50 ms | p99 ms | slowest ms | ≤ {ALLOWED_MS} ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in reads.items():
        ordered = sorted(found)
        verdict = "yes" if ordered[-1] <= ALLOWED_MS else "**no**"
        lines.append(
            f"| {name} | {statistics.median(ordered):.2f} | {ordered[int(len(ordered) * 0.99)]:.2f} |"
            f" {ordered[-1]:.2f} | {verdict} |"
        )
    measured = runs[1:]
    rates = [run["requests"] / run["seconds"] for run in measured]
    verdict = "yes" if statistics.median(rates) >= ALLOWED_RATE else "**no**"
    lines += [
        "",
        f"Approved conversions of one campaign and 500 users, {_CONNECTIONS} connections, two web",
        f"processes, every tenth postback sent twice; {len(measured)} rounds of {seconds:g} s, in turn with",
        "answers of the same server without any work. Load and stores share the machine.",
        "",
        "| postbacks a second | bare answers a second | p50 / p99 ms | web CPU ms | stores' CPU ms"
        f" | ≥ {ALLOWED_RATE}/s |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| {spread(rates)} | {spread([r['bare_rate'] for r in measured])}"
        f" | {statistics.median(r['p50_us'] for r in measured) / 1000:.1f} /"
        f" {statistics.median(r['p99_us'] for r in measured) / 1000:.1f}"
        f" | {spread([r['server_ms'] for r in measured], '.2f')}"
        f" | {spread([r['stores_ms'] for r in measured], '.2f')} | {verdict} |",
        "",
        f"{booked['conversions']:,} conversions were booked once each; a reconciliation found"
        f" {booked['differences']} differences.",
    ]
    return lines
