"""The peers of benchmarks/peers/: installed under var/, given the same rows, and how they are started."""

import hashlib
import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders import Contender, Program, leads_load, run_python
from benchmarks.hub import KEYS, LEADS, Tenant
from benchmarks.processes import clean_environment, granian
from benchmarks.stores import Stores
from config.embedded.state import CHECKOUT, SetUpError

PEERS = Path(__file__).with_name("peers")
INSTALLED = CHECKOUT / "var" / "benchmarks"
DATABASE = "bench_peer"


def peers_create(stores: Stores, tenant: Tenant, *, leads: int = LEADS) -> None:
    """The peers' database, with the tenant's leads."""
    stores.database_create(DATABASE)
    _sql(stores, PEERS / "schema.sql")
    leads_load(stores, DATABASE, "lead", tenant.organization_id, leads=leads)


def bare_drf(stores: Stores, tenant: Tenant) -> Contender:
    """The same list by Django REST framework alone."""
    application = "wsgi:application"
    program = Program(
        "bare_drf",
        lambda port: granian(application, port=port),
        peer_environment(stores, DJANGO_SETTINGS_MODULE="bare_drf.settings"),
        wsgi=application,
    )
    return Contender("bare_drf", "bare DRF", program, tenant.path)


def floor(stores: Stores, tenant: Tenant, body: bytes) -> Contender:
    """The server alone, returning the bytes of one of our answers."""
    return Contender("floor", "floor: the server with static bytes", floor_program(stores, body), tenant.path)


def floor_program(stores: Stores, body: bytes) -> Program:
    """A server that answers everything with these bytes."""
    application = "floor.wsgi:application"
    file = stores.state.root / "floor-body"
    file.write_bytes(body)
    return Program(
        "floor",
        lambda port: granian(application, port=port),
        peer_environment(stores, FLOOR_BODY=str(file)),
        wsgi=application,
    )


def p1(stores: Stores, tenant: Tenant) -> list[Contender]:
    """djangorestframework-api-key, DRF's throttle, a log row: under gunicorn's threads and on our server."""
    python = installed_python("p1")
    environment = peer_environment(stores, DJANGO_SETTINGS_MODULE="p1.settings")
    keys = json.loads(run_python("-m", "p1.prepare", str(KEYS), environment=environment, executable=python))
    headers = [f"Authorization: Api-Key {key}" for key in keys]
    application = "wsgi:application"
    gunicorn = [python, "-m", "gunicorn", application, "--worker-class", "gthread", "--workers", "2"]
    programs = {
        "P1 under gunicorn, 2 × 8 threads": Program(
            "p1_gunicorn",
            # without --keep-alive gunicorn would close connections after 2 s of rest
            lambda port: [*gunicorn, "--threads", "8", "--bind", f"127.0.0.1:{port}", "--keep-alive", "75"],
            environment,
            wsgi=application,
            python=python,
        ),
        "P1 on our server": Program(
            "p1_granian",
            lambda port: granian(application, port=port, python=python),
            environment,
        ),
    }
    return [Contender(it.name, title, it, tenant.path, headers) for title, it in programs.items()]


def p2(stores: Stores, tenant: Tenant) -> Contender:
    """fastify with the key in PostgreSQL, the limit in Redis and a log row."""
    directory = _p2_install()
    _sql(stores, PEERS / "p2" / "schema.sql")
    keys = [secrets.token_urlsafe(32) for _ in range(KEYS)]
    with stores.superuser(DATABASE) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO p2_api_key (hash, organization_id) VALUES (%s, %s)",
            [(hashlib.sha256(key.encode()).digest(), tenant.organization_id) for key in keys],
        )
    program = Program(
        "p2",
        lambda port: ["node", str(directory / "server.mjs"), str(port)],
        peer_environment(stores, NODE_ENV="production"),
    )
    return Contender(
        "p2", "P2: fastify, 2 processes", program, tenant.path, [f"x-api-key: {key}" for key in keys]
    )


def peer_environment(stores: Stores, **added: str) -> dict[str, str]:
    """What a peer is told: libpq's own variables, and the socket of the Redis-compatible server."""
    return clean_environment(
        PYTHONPATH=str(PEERS),
        PYTHONUNBUFFERED="1",
        PGHOST=str(stores.postgres.socket),
        PGDATABASE=DATABASE,
        PGUSER=f"{DATABASE}_owner",
        REDIS_SOCKET=str(stores.valkey.socket),
        **added,
    )


def _sql(stores: Stores, file: Path) -> None:
    with stores.superuser(DATABASE) as connection:
        connection.execute(f"SET ROLE {DATABASE}_owner".encode())
        connection.execute(file.read_bytes())


def installed_python(peer: str) -> str:
    """The Python of a peer's own virtual environment, made when it is missing or old."""
    requirements = PEERS / peer / "requirements.txt"
    directory = INSTALLED / peer
    python = str(directory / "bin" / "python")
    if _is_new(directory, requirements):
        print(f"Installing {peer.upper()}…", flush=True)
        _install(sys.executable, "-m", "venv", "--clear", str(directory))
        _install(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements))
        _installed(directory, requirements)
    return python


def _p2_install() -> Path:
    """P2 with its packages; answers its directory. Raises SetUpError without Node.js."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise SetUpError("Node.js is missing: install it (Debian: sudo apt-get install nodejs npm).")
    directory, lock = INSTALLED / "p2", PEERS / "p2" / "package-lock.json"
    new = _is_new(directory, lock)
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(PEERS / "p2" / name, directory / name)
    if new:
        print("Installing P2…", flush=True)
        _install("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", directory=directory)
        _installed(directory, lock)
    return directory


def _is_new(directory: Path, lock: Path) -> bool:
    stamp = directory / "installed"
    return not stamp.exists() or stamp.read_bytes() != lock.read_bytes()


def _installed(directory: Path, lock: Path) -> None:
    (directory / "installed").write_bytes(lock.read_bytes())


def _install(*command: str, directory: Path = CHECKOUT) -> None:
    done = subprocess.run(  # noqa: S603 (our own command)
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetUpError(f"{' '.join(command[:4])} … failed:\n{done.stdout[-2000:]}")
