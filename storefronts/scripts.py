"""The widgets' scripts as the hub serves them: the files of widgets/, with their version and hash."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

NAMES = ("offer-grid", "deal-card")
_HOME = settings.BASE_DIR / "widgets"


@dataclass(frozen=True, slots=True)
class Script:
    """One widget's script. `integrity` is what a page pins it by (Subresource Integrity)."""

    name: str
    version: str
    content: bytes
    compressed: bytes
    integrity: str

    @property
    def path(self) -> str:
        """Always the hub's present version."""
        return f"/widgets/{self.name}.js"

    @property
    def pinned_path(self) -> str:
        """This version for good."""
        return f"/widgets/{self.version}/{self.name}.js"


def script_of(name: str, version: str = "") -> Script | None:
    """A widget's script, of the present version or of a released one; None for what there is not."""
    present = _version()
    if name not in NAMES:
        return None
    file = _HOME / f"{name}.js"
    if version and version != present:
        if not all(part.isdecimal() for part in version.split(".")):
            return None
        file = _HOME / "releases" / version / f"{name}.js"
    if not file.is_file():
        return None
    return _read(name, version or present, str(file), file.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read(name: str, version: str, file: str, _changed: int) -> Script:
    with open(file, "rb") as opened:
        content = opened.read()
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    return Script(name, version, content, gzip.compress(content, 9, mtime=0), f"sha384-{digest}")


@lru_cache(maxsize=1)
def _version() -> str:
    return json.loads((_HOME / "package.json").read_text())["version"]
