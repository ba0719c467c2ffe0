"""How `hub` behaves as a program: exit codes, colours, no traceback."""

import re
import subprocess

from django.conf import settings

from tests.command_line.hub import on_a_terminal, shell
from tests.factories import make_key


def test_exit_codes_are_those_of_the_guide():
    done = shell("clients", "list", "--json")
    assert (done.code, done.json, done.err) == (0, {"data": []}, "")
    refused = shell("clients", "show", "nobody")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.strip() == "Refused: There is no client nobody."
    assert shell("clients", "lsit").code == 2
    guide = (settings.BASE_DIR / "docs" / "command-line.md").read_text()
    assert re.findall(r"^\| `(\d+)` \|", guide, re.MULTILINE) == ["0", "1", "2", "130"]


def test_a_store_that_is_away_is_a_sentence():
    away = shell("clients", "list", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert (away.code, away.out) == (1, "")
    assert "Refused: The service is not available at the moment." in away.err
    assert "Traceback" not in away.err


def test_colours_are_for_terminals_and_people_who_want_them(organization):
    key = make_key(organization, name="Acme").key
    seen = on_a_terminal("keys", "list", "Acme")
    assert "\x1b[32mACTIVE" in seen
    assert key.key_id in seen.replace("\r\n", "")
    assert "\x1b[3" not in on_a_terminal("keys", "list", "Acme", NO_COLOR="1")
    piped = shell("keys", "list", "Acme")
    assert "\x1b" not in piped.out
    assert key.key_id in piped.out


def test_the_script_hands_everything_on():
    run = subprocess.run(
        [settings.BASE_DIR / "hub", "keys", "revoke"], capture_output=True, text=True, check=False, cwd="/"
    )
    assert run.returncode == 2
    assert "KEY" in run.stderr
