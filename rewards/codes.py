"""Short public names."""

import secrets

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CODE_LENGTH = 8
PID_LENGTH = 10


def link_code() -> str:
    """What `/r/` is followed by: 47 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def campaign_pid() -> str:
    """What a network knows a campaign by."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PID_LENGTH))
