"""IBANs and BICs, as ISO 13616 and ISO 9362 have them."""

import re

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?")


def iban_read(text: str) -> str:
    """An IBAN without spaces, in capitals. Raises ValueError for one whose check digits are wrong."""
    iban = "".join(text.split()).upper()
    if not _IBAN.fullmatch(iban):
        raise ValueError("This is no IBAN.")
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    if int(digits) % 97 != 1:
        raise ValueError("The check digits of this IBAN are wrong.")
    return iban


def bic_read(text: str) -> str:
    """A BIC in capitals, "" for none. Raises ValueError for what is none."""
    bic = text.strip().upper()
    if bic and not _BIC.fullmatch(bic):
        raise ValueError("This is no BIC.")
    return bic
