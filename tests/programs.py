"""Programs and npm packages that tests run beside the product, where the machine has them."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings


def program(name: str) -> str:
    """Where a program is; skips the test by its name where there is none."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def node_parts(source: Path) -> Path:
    """A copy of `source` with the npm packages of its lock file, installed once.

    Skips the test where no registry answers.
    """
    home = settings.BASE_DIR / "var" / source.name
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, home / file.name)
        wanted, stamp = (home / "package-lock.json").read_text(), home / "installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=240)
            if done.returncode:
                pytest.skip(f"npm could not install the packages of {source.name}: {done.stderr[-300:]}")
            stamp.write_text(wanted)
    return home
