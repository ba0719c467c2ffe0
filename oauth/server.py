"""The protocol's server: oauthlib's endpoints with the three grants of OAuth 2.1, and no others."""

import re
from typing import Any

from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from credentials.secrets import OAUTH_TOKEN_PREFIX, token_generate

REFRESH_TOKEN_PREFIX = "ort_"  # noqa: S105 (a prefix)
# base64url of a SHA-256 without padding (RFC 7636, 4.2)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def access_token_generate(request: Any, refresh_token: bool = False) -> str:
    """A new access token, in the form that `credentials.secrets` recognises."""
    return token_generate(OAUTH_TOKEN_PREFIX)


def refresh_token_generate(request: Any, refresh_token: bool = True) -> str:
    """A new refresh token."""
    return token_generate(REFRESH_TOKEN_PREFIX)


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code with PKCE by S256; `plain` is refused where it is asked for."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}


def challenge_check(request: Any) -> dict[str, Any]:
    """Refuse a code challenge that no verifier fits. Raises InvalidRequestError."""
    if request.code_challenge is not None and not _CHALLENGE.fullmatch(request.code_challenge):
        raise errors.InvalidRequestError(
            description="code_challenge must be 43 characters of base64url.", request=request
        )
    return {}


class Server(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """Codes, client credentials and refreshing; neither implicit nor password grant."""

    def __init__(
        self,
        request_validator: Any,
        token_expires_in: Any = None,
        token_generator: Any = None,
        refresh_token_generator: Any = None,
        **_: Any,
    ) -> None:
        code = CodeGrant(request_validator, pre_auth=[challenge_check])
        bearer = BearerToken(request_validator, token_generator, token_expires_in, refresh_token_generator)
        AuthorizationEndpoint.__init__(
            self, default_response_type="code", response_types={"code": code}, default_token_type=bearer
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={
                "authorization_code": code,
                "client_credentials": ClientCredentialsGrant(request_validator),
                "refresh_token": RefreshTokenGrant(request_validator),
            },
            default_token_type=bearer,
        )
        RevocationEndpoint.__init__(self, request_validator)
