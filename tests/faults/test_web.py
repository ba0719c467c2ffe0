"""Several web processes, some of them killed."""

import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings

from config import tenancy
from credentials.models import RequestLog
from credentials.usage import spool_ship
from tests.processes import Web, wait_until


def call(web, key, request_id="none-given"):
    request = urllib.request.Request(
        f"{web.url}/api/partner/v1/health",
        headers={"x-partner-api-key": key.raw, "X-Request-Id": request_id},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def logged():
    with tenancy.operator():
        return set(RequestLog.objects.values_list("request_id", flat=True))


def test_a_killed_web_process_loses_no_line_of_the_request_log(key):
    sent = {f"request-{number}" for number in range(40)}
    with Web() as web:
        for request_id in sorted(sent):
            assert call(web, key, request_id) == 200
        web.kill()

    def adopted():
        spool_ship(Path(settings.STATE_DIR) / "usage")
        return sent <= logged()

    # its children die a moment after it, and their files' locks with them
    wait_until(adopted, seconds=10)


def test_a_running_web_process_ships_its_log_by_itself(key):
    with Web() as web:
        call(web, key, "by-itself")
        wait_until(lambda: "by-itself" in logged(), seconds=5)
