"""Stripe Connect: a payout is a transfer to the payee's connected account.

As https://docs.stripe.com/api/transfers has it: `POST /v1/transfers` as a form, an `Idempotency-Key` that
Stripe keeps for at least 24 hours, and `transfer_group` by which a transfer is found later than that.
"""

from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings

from config.outbound.errors import OutboundError
from config.outbound.sync import OutboundResponse, fetch
from rewards.providers.base import Order, PayoutRefused, Sent

_TIMEOUT_S = 30.0
_MAX_BYTES = 1_000_000
_FORM = "application/x-www-form-urlencoded"


class StripeTransfers:
    """Transfers by settings.STRIPE_SECRET_KEY at settings.STRIPE_API_URL."""

    def outcome(self, order: Order) -> Sent | None:
        """The transfer of this order, found by its group."""
        query = urlencode({"transfer_group": _group(order), "limit": 1})
        answer = self._ask("GET", f"/v1/transfers?{query}")
        if answer.status != 200:
            raise _unknown(answer)
        found = _json(answer).get("data") or []
        return Sent(str(found[0]["id"])) if found else None

    def send(self, order: Order) -> Sent:
        """Make the transfer; the same order again answers the first one."""
        form = {
            "amount": order.amount_minor,
            "currency": order.currency.lower(),
            "destination": order.account,
            "transfer_group": _group(order),
            "description": order.description,
        }
        answer = self._ask(
            "POST",
            "/v1/transfers",
            urlencode(form).encode(),
            {"Content-Type": _FORM, "Idempotency-Key": order.key},
        )
        if answer.status == 200:
            return Sent(str(_json(answer)["id"]))
        # 409: the same key is being worked on; 429 and 5xx: later. Of the others the transfer was not made.
        if answer.status in (400, 402, 403, 404):
            error = _json(answer).get("error") or {}
            raise PayoutRefused(str(error.get("message") or f"The provider answered {answer.status}.")[:255])
        raise _unknown(answer)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> OutboundResponse:
        return fetch(
            settings.STRIPE_API_URL + path,
            method=method,
            body=body,
            headers={"Authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"} | (headers or {}),
            timeout_s=_TIMEOUT_S,
            max_bytes=_MAX_BYTES,
        )


def _group(order: Order) -> str:
    return f"payout-{order.key}"


def _json(answer: OutboundResponse) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise OutboundError("protocol_error", "The provider's answer is no JSON.") from error
    return body if isinstance(body, dict) else {}


def _unknown(answer: OutboundResponse) -> OutboundError:
    return OutboundError("protocol_error", f"The provider answered {answer.status}.")
