"""What ends an OAuth token ends it in every process: not within a second, but from the next request on."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from config import tenancy
from credentials.services.suspension import client_change_status
from tests.factories import ACTOR
from tests.faults.http import BASE, send
from tests.oauth_clients import App


def form(web, app, endpoint, **fields):
    """A form to an endpoint of a process, as the client; the answer's JSON, if it has any."""
    pair = base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()
    request = urllib.request.Request(
        f"{web.url}/oauth/{endpoint}",
        urllib.parse.urlencode(fields).encode(),
        {"Authorization": f"Basic {pair}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def health(web, token):
    return send(web, "GET", f"{BASE}/health", headers={"Authorization": f"Bearer {token}"}).status


def revoke(web, app, tokens):
    form(web, app, "revoke", token=tokens["access_token"])


def reuse(web, app, tokens):
    form(web, app, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    with pytest.raises(urllib.error.HTTPError, match="400"):
        form(web, app, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def suspend(web, app, tokens):
    with tenancy.operator():
        client_change_status(client_id=app.client.id, status="SUSPENDED", actor=ACTOR)


@pytest.mark.parametrize("end", [revoke, reuse, suspend])
def test_a_token_that_ends_by_one_process_is_refused_by_the_other_at_once(pair, end):
    first, second = pair
    app = App()
    tokens = app.exchange(app.code()).json()
    assert [health(web, tokens["access_token"]) for web in (*pair, *pair)] == [200] * 4
    end(first, app, tokens)
    assert [health(web, tokens["access_token"]) for web in (second, first)] == [401, 401]
