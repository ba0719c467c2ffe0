"""Load from `wrk`, and its figures."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded.state import SetUpError

_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Measured:
    """One run of wrk. `refused` counts answers of 400 and more, `broken` requests without an answer."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_us: int
    p99_us: int
    mean_us: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def wrk_path() -> str:
    """Where wrk is. Raises SetUpError when it is missing."""
    found = shutil.which("wrk")
    if found is None:
        raise SetUpError("wrk is missing: install it (Debian: sudo apt-get install wrk).")
    return found


def load(url: str, *, headers: list[str], connections: int, seconds: float, body: bytes = b"") -> Measured:
    """GET `url` (or POST `body` to it) from as many connections as given, taking turns among `headers`.

    `headers` are whole lines, "Name: value" (or "" for none).
    """
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as directory:
        lines, result = Path(directory, "headers"), Path(directory, "result")
        content = Path(directory, "body")
        content.write_bytes(body)
        lines.touch(mode=0o600)
        lines.write_text("".join(f"{header}\n" for header in headers))
        threads = min(2, connections)
        command = [wrk_path(), "-c", str(connections), "-t", str(threads), "-d", f"{max(1, round(seconds))}s"]
        done = subprocess.run(  # noqa: S603 (our own command)
            [*command, "-s", str(_SCRIPT), "--timeout", "20s", url],
            env=os.environ
            | {"BENCH_HEADERS": str(lines), "BENCH_BODY": str(content), "BENCH_RESULT": str(result)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode or not result.exists():
            raise SetUpError(f"wrk failed:\n{done.stdout}")
        return Measured(**json.loads(result.read_text()))
