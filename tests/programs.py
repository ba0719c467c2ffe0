"""Programs and npm packages that tests run beside the product, installed where that may be."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

# Debian's packages of what partners use and a machine may lack.
_PACKAGES = {
    "php": "php-cli", "node": "nodejs", "npm": "npm", "curl": "curl", "openssl": "openssl",
    "psql": "postgresql-client",
}  # fmt: skip
_INSTALL_S = 300


def program(name: str) -> str:
    """Where a program is, installed as root on Debian; skips the test by its name where it cannot be had."""
    if not shutil.which(name) and (why := _install(name)):
        pytest.skip(f"{name} is not installed: {why}")
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


@cache
def _install(name: str) -> str:
    """Install a program's package; answers why not, or nothing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "only root may install it, on Debian"
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", _PACKAGES[name]]
    with (Path(tempfile.gettempdir()) / "hub-test-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time, whoever of the workers asks
        for step in (command, ["apt-get", "update", "-qq"], command):
            if shutil.which(name):
                return ""
            try:
                done = subprocess.run(step, env=quiet, capture_output=True, text=True, timeout=_INSTALL_S)
            except subprocess.TimeoutExpired:
                return f"apt-get took longer than {_INSTALL_S} s"
    return "" if shutil.which(name) else f"apt-get: {done.stderr.strip()[-200:]}"


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
