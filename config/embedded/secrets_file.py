"""The installation's own secrets: random, made once, kept in var/secrets.env (mode 0600)."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def generate() -> dict[str, str]:
    """A fresh value for each secret that the settings ask for."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CREDENTIAL_HASH_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "WEBHOOK_SECRET": "whsec_" + base64.b64encode(os.urandom(32)).decode(),
    }


def read(file: Path) -> dict[str, str]:
    """NAME=value lines, quotes taken off; {} for a file that is not there."""
    if not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip().removeprefix("export "): value.strip().strip("'\"") for name, _, value in pairs}


def ensure(file: Path, *, given: Mapping[str, str]) -> dict[str, str]:
    """The kept secrets; what neither `given` nor the file has is made and kept."""
    kept = read(file)
    missing = {name: value for name, value in generate().items() if name not in kept and name not in given}
    if missing:
        kept |= missing
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in kept.items()))
    return kept
