"""The form of credentials (contract 0.1): generating, recognising and hashing them."""

import binascii
import hashlib
import hmac
import re
import secrets
from functools import cache

from django.conf import settings

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY_ID = re.compile(r"pk_(?:sandbox|production)_[0-9A-Za-z]{12}")
_SECRET = re.compile(r"sk_[0-9A-Za-z]{49}")
_BODY = re.compile(r"[0-9A-Za-z]{49}")
_CHECKSUM_LENGTH = 6
TOKEN_PREFIX = "at_"  # noqa: S105 (a prefix, not a password)
OAUTH_TOKEN_PREFIX = "oat_"  # noqa: S105 (likewise)


def _base62(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = binascii.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def key_id_generate(environment: str) -> str:
    """A public key id: `pk_<environment>_` and 12 base62 characters."""
    return f"pk_{environment}_{_base62(12)}"


def secret_generate() -> str:
    """A secret: `sk_`, 43 base62 characters (256 bits), and 6 of their CRC32."""
    body = _base62(43)
    return f"sk_{body}{_checksum(body)}"


def token_generate(prefix: str = TOKEN_PREFIX) -> str:
    """An access token: a prefix, 43 base62 characters (256 bits) and their checksum."""
    body = _base62(43)
    return f"{prefix}{body}{_checksum(body)}"


def token_is_well_formed(token: str, prefix: str) -> bool:
    """Whether the token begins with `prefix` and its checksum fits."""
    body = token.removeprefix(prefix)
    return token != body and bool(_BODY.fullmatch(body)) and _checksum(body[:43]) == body[43:]


def secret_is_well_formed(secret: str) -> bool:
    """Whether the checksum fits: a mistyped secret is refused without a look-up."""
    return bool(_SECRET.fullmatch(secret)) and _checksum(secret[3:46]) == secret[46:]


def key_id_is_well_formed(key_id: str) -> bool:
    return bool(_KEY_ID.fullmatch(key_id))


def credential_split(text: str) -> tuple[str, str] | None:
    """`<keyId>.<secret>` or `<keyId>_<secret>` as (key id, secret); None when it is neither."""
    match = _KEY_ID.match(text)
    if not match or len(text) <= match.end() or text[match.end()] not in "._":
        return None
    return match.group(), text[match.end() + 1 :]


@cache
def _keyed(key: str) -> hmac.HMAC:
    return hmac.new(key.encode(), digestmod=hashlib.sha256)


def secret_hash(secret: str) -> bytes:
    """HMAC-SHA256 under CREDENTIAL_HASH_KEY; 256 random bits need no slow hash."""
    # a copy of the keyed state: hmac.digest() would give up the interpreter lock for these few bytes
    keyed = _keyed(settings.CREDENTIAL_HASH_KEY).copy()
    keyed.update(secret.encode())
    return keyed.digest()
