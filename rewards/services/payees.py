"""To whom payouts go, and an organization's terms and rates."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from config.api.exceptions import NotFound, ValidationFailed
from config.encryption import seal, unseal
from partners.models import ApiClient
from partners.services.audit import Actor, audit_record
from rewards.bank_accounts import bic_read, iban_read
from rewards.models import ExchangeRate, Payee, RewardTerms
from rewards.postbacks import currencies
from rewards.providers.bank_file import Account

_PAYEE, _PAYER = "payee-details", "payer-details"


@transaction.atomic
def payee_set(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID,
    user_id: str,
    method: str,
    name: str,
    iban: str = "",
    bic: str = "",
    account: str = "",
    actor: Actor,
) -> Payee:
    """Say where the payouts of a client's user (or with "" of the client itself) go.

    What is under way goes where it went. Raises NotFound (404) for another organization's client,
    ValidationFailed (400) for an IBAN or BIC that is none.
    """
    if not ApiClient.objects.for_organization(organization_id, environment).filter(id=client_id).exists():
        raise NotFound("There is no such partner.")
    details: dict[str, str] = {"name": name}
    if method == Payee.Method.BANK:
        details |= _account(iban, bic)
        hint = details["iban"][-4:]
    else:
        if not account.startswith("acct_"):
            raise ValidationFailed(account=["A connected account's id begins with acct_."])
        details["account"] = account
        hint = account[-4:]
    payee, created = Payee.objects.update_or_create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        user_id=user_id,
        defaults={
            "method": method,
            "details_sealed": seal(orjson.dumps(details), purpose=_PAYEE),
            "hint": hint,
        },
    )
    # who is paid where is a way to steal: each change stands in the trail, without the number
    audit_record(
        actor=actor,
        action="payee.created" if created else "payee.changed",
        target=payee,
        organization_id=organization_id,
        after={"client": str(client_id), "user": user_id, "method": method, "hint": hint},
    )
    return payee


def payee_details(sealed: bytes) -> dict[str, str]:
    """A payee's details, unsealed: name, and iban and bic or account."""
    return orjson.loads(unseal(sealed, purpose=_PAYEE))


@transaction.atomic
def terms_set(
    *,
    organization_id: UUID,
    environment: str,
    platform_share: int,
    hold_days: int,
    minimum_payout_minor: int,
    payer: Account | None,
    actor: Actor,
) -> RewardTerms:
    """Change how commissions are shared from now on; what is booked stays. `payer` None leaves the account.

    Raises ValidationFailed (400) for an IBAN or BIC that is none.
    """
    terms, _ = RewardTerms.objects.select_for_update(of=("self",)).get_or_create(
        organization_id=organization_id, environment=environment
    )
    before = _terms(terms)
    terms.platform_share, terms.hold_days = platform_share, hold_days
    terms.minimum_payout_minor = minimum_payout_minor
    if payer:
        details = {"name": payer.name} | _account(payer.iban, payer.bic)
        terms.payer_sealed = seal(orjson.dumps(details), purpose=_PAYER)
    terms.save()
    after = _terms(terms) | ({"payer": "changed"} if payer else {})
    audit_record(
        actor=actor,
        action="reward_terms.changed",
        target=terms,
        organization_id=organization_id,
        before=before,
        after=after,
    )
    return terms


def payer_of(terms: RewardTerms) -> Account | None:
    """Whose account bank files pay from; None while nobody has said."""
    if not terms.payer_sealed:
        return None
    return Account(**orjson.loads(unseal(bytes(terms.payer_sealed), purpose=_PAYER)))


@transaction.atomic
def exchange_rate_add(
    *, organization_id: UUID, environment: str, source: str, target: str, rate: Decimal, actor: Actor
) -> ExchangeRate:
    """What one `source` is in `target` from now on. Conversions keep the rate they were booked with."""
    wrong = {
        name: ["This is no ISO 4217 currency."]
        for name, code in (("source", source), ("target", target))
        if code not in currencies()
    }
    if wrong:
        raise ValidationFailed.of(wrong)
    if source == target:
        raise ValidationFailed(target=["Choose another currency."])
    made = ExchangeRate.objects.create(
        organization_id=organization_id,
        environment=environment,
        source=source,
        target=target,
        rate=rate,
        actor=actor.name,
    )
    audit_record(
        actor=actor,
        action="exchange_rate.added",
        target=made,
        organization_id=organization_id,
        after={"pair": f"{source}/{target}", "rate": str(rate)},
    )
    return made


def _account(iban: str, bic: str) -> dict[str, str]:
    wrong: dict[str, list[str]] = {}
    read = {"iban": "", "bic": ""}
    for name, text, reader in (("iban", iban, iban_read), ("bic", bic, bic_read)):
        try:
            read[name] = reader(text)
        except ValueError as error:
            wrong[name] = [str(error)]
    if wrong:
        raise ValidationFailed.of(wrong)
    return read


def _terms(terms: RewardTerms) -> dict[str, Any]:
    return {
        "platformShare": terms.platform_share,
        "holdDays": terms.hold_days,
        "minimumPayoutMinor": terms.minimum_payout_minor,
    }
