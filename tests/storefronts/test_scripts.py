"""The widgets' files: small, current, served to any page, pinned by hash, packed for npm."""

import base64
import gzip
import hashlib
import json
import subprocess
import tarfile

import pytest
from django.conf import settings
from django.test import Client

from storefronts.scripts import NAMES, script_of
from tests.programs import program

WIDGETS = settings.BASE_DIR / "widgets"
PATHS = {name: f"/widgets/{name}.js" for name in NAMES}


def test_both_together_are_under_fifteen_kilobytes():
    assert sum(len(gzip.compress((WIDGETS / f"{name}.js").read_bytes(), 9)) for name in NAMES) < 15_000


def test_the_files_are_what_their_sources_make(tmp_path):
    subprocess.run([program("node"), "build.mjs", str(tmp_path)], cwd=WIDGETS, check=True, timeout=60)
    for name in NAMES:
        assert (tmp_path / f"{name}.js").read_bytes() == (WIDGETS / f"{name}.js").read_bytes()


def test_the_widgets_write_no_markup_and_run_no_text():
    for name in NAMES:
        text = (WIDGETS / f"{name}.js").read_text()
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "Function(",
            "document.write",
            "style=",
        ):
            assert word not in text


@pytest.mark.parametrize("path", PATHS.values())
def test_any_page_may_load_a_widget_and_keep_it(path):
    answer = Client().get(path, headers={"origin": "https://shop.example", "accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"].startswith("public, max-age=")
    assert answer["Content-Encoding"] == "gzip"
    plain = Client().get(path)
    assert gzip.decompress(answer.content) == plain.content
    assert Client().get(path, headers={"if-none-match": plain["ETag"]}).status_code == 304


@pytest.mark.parametrize("name", NAMES)
def test_a_version_is_pinned_by_its_hash(name):
    script = script_of(name)
    answer = Client().get(script.pinned_path)
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert script.integrity == f"sha384-{digest}"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/widgets/other.js",
        "/widgets/9.9.9/offer-grid.js",
        "/widgets/../offer-grid.js",
        "/widgets/src/core.js",
        "/widgets/..%2f..%2fconfig/offer-grid.js",
    ],
)
def test_nothing_else_is_served(path):
    assert Client().get(path).status_code == 404


def test_npm_packs_the_widgets_and_nothing_else(tmp_path):
    npm = program("npm")
    done = subprocess.run(
        [npm, "pack", "--json", "--ignore-scripts", "--pack-destination", str(tmp_path)],
        cwd=WIDGETS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as packed:
        names = {member.name.removeprefix("package/") for member in packed}
        assert names == {"README.md", "package.json", "index.d.ts", "offer-grid.js", "deal-card.js"}
        described = json.loads(packed.extractfile("package/package.json").read())
    assert described["version"] == script_of("offer-grid").version


def test_the_demo_page_escapes_what_its_address_says():
    answer = Client().get("/widgets/demo", {"key": '"><script>alert(1)</script>'})
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content
    assert "https:" in answer["Content-Security-Policy"]
