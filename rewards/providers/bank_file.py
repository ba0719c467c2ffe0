"""Bank files: ISO 20022 pain.001.001.03, validated against its schema."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError

from rewards.postbacks import precision

_SCHEMA = "pain.001.001.03"


class Account(NamedTuple):
    """A bank account; `bic` is "" where it follows from the IBAN."""

    name: str
    iban: str
    bic: str = ""


class Transfer(NamedTuple):
    """One credit transfer of a file; `key` (at most 35 characters) comes back on the payee's statement."""

    key: str
    to: Account
    amount_minor: int
    description: str


class _Transfer(SepaTransfer):
    """The message id is ours, since a bank takes each id once."""

    def _create_header(self) -> None:
        self.msg_id = self._config["message_id"]
        super()._create_header()


def bank_file(
    *, message_id: str, payer: Account, currency: str, transfers: Sequence[Transfer], on: date
) -> bytes:
    """The file that asks the payer's bank for these transfers, as one batch.

    `message_id` has at most 35 characters. Names and descriptions are written in the letters that banks take.
    Raises ValueError for a currency whose minor unit is no hundredth, sepaxml.validation.ValidationError for
    what the schema refuses.
    """
    if precision(currency) != 2:
        raise ValueError("Bank files take currencies of two digits.")
    config: dict[str, Any] = {
        "name": payer.name,
        "IBAN": payer.iban,
        "batch": True,
        "currency": currency,
        "message_id": message_id,
        # outside of SEPA there is no such service level
        "domestic": currency != "EUR",
    }
    if payer.bic:
        config["BIC"] = payer.bic
    made = _Transfer(config, schema=_SCHEMA, clean=True)
    for transfer in transfers:
        payment = {
            "name": transfer.to.name,
            "IBAN": transfer.to.iban,
            "amount": transfer.amount_minor,
            "execution_date": on,
            "description": transfer.description,
            "endtoend_id": transfer.key,
        }
        if transfer.to.bic:
            payment["BIC"] = transfer.to.bic
        made.add_payment(payment)
    text: bytes = made.export(validate=False)
    try:
        _schema().validate(text.decode())
    except ValueError as error:  # what xmlschema's own are
        raise ValidationError("The bank file does not follow its schema.") from error
    return text


@cache
def _schema() -> Any:
    """The schema that comes with the library, which would build it anew for each file."""
    # it patches the XML library when it is imported, so it comes in where the first file is made
    from xmlschema import XMLSchema  # noqa: PLC0415

    return XMLSchema(files("sepaxml").joinpath("schemas", f"{_SCHEMA}.xsd").read_text())
