"""What a contender is: a program that serves, and the request that it is asked."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import Server, free_port
from benchmarks.stores import Stores
from config.embedded.state import CHECKOUT, SetUpError

ROWS = Path(__file__).with_name("rows.sql").read_text()


@dataclass(frozen=True)
class Program:
    """How one server is started. `wsgi` names the application of those that can be run in-process."""

    name: str
    command: Callable[[int], list[str]]
    environment: dict[str, str]
    wsgi: str = ""
    python: str = sys.executable

    def server(self, stores: Stores) -> Server:
        port = free_port()
        return Server(
            self.name, self.command(port), port=port, environment=self.environment, log=stores.state.log
        )


@dataclass(frozen=True)
class Contender:
    """One line of the table: a request to a program, from many keys in turn."""

    name: str
    title: str
    program: Program
    path: str
    headers: list[str] = field(default_factory=lambda: [""])
    status: int = 200

    def check(self, url: str, expected: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        """Ask once; answers the rows. Raises SetUpError unless status and rows are as they must be."""
        body = self.body(url)
        rows = [_comparable(row) for row in json.loads(body).get("data", [])]
        if self.status == 200 and (len(rows) != 20 or (expected is not None and rows != expected)):
            raise SetUpError(f"{self.name} answered other rows: {body[:500]!r}")
        return rows

    def body(self, url: str) -> bytes:
        """One answer's body. Raises SetUpError unless its status is as it must be."""
        pairs = [self.headers[0].partition(": ")[::2]] if self.headers[0] else []
        request = urllib.request.Request(url + self.path, headers=dict(pairs))  # noqa: S310 (our own address)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if status != self.status:
            raise SetUpError(f"{self.name} answered {status}: {body[:500]!r}")
        return bytes(body)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    # 00:00:20Z and 00:00:20.000Z are the same moment
    return row | {name: datetime.fromisoformat(row[name]) for name in ("createdAt", "updatedAt")}


def leads_load(stores: Stores, database: str, table: str, organization_id: str, *, leads: int) -> None:
    """Fill a table with the rows that every contender answers."""
    with stores.superuser(database) as connection:
        statement = ROWS.format(table=table, organization_id=organization_id, leads=leads)
        connection.execute(statement.encode())
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def run_python(*arguments: str, environment: dict[str, str], executable: str = sys.executable) -> str:
    """Run Python to its end; answers what it printed. Raises SetUpError with its errors."""
    done = subprocess.run(  # noqa: S603 (our own command)
        [executable, *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetUpError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return done.stdout
