"""Sealing of what must be readable again: webhook secrets and headers, recordings.

AES-256-GCM under FIELD_ENCRYPTION_KEY; a fresh 96-bit nonce stands before each sealed text.
"""

import base64
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES = 12


@cache
def _cipher(key: str) -> AESGCM:
    raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    if len(raw) != 32:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEY must be 32 bytes in URL-safe base64.")
    return AESGCM(raw)


def seal(plain: bytes, *, purpose: str) -> bytes:
    """Encrypt and authenticate; `purpose` must be the same at `unseal`, so texts cannot be swapped."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(settings.FIELD_ENCRYPTION_KEY).encrypt(nonce, plain, purpose.encode())


def unseal(sealed: bytes, *, purpose: str) -> bytes:
    """Raises ValueError when the text was changed, sealed for another purpose or under another key."""
    sealed = bytes(sealed)
    try:
        return _cipher(settings.FIELD_ENCRYPTION_KEY).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()
        )
    except InvalidTag as error:
        raise ValueError(f"The sealed {purpose} cannot be opened with FIELD_ENCRYPTION_KEY.") from error
