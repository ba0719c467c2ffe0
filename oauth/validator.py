"""What oauthlib asks of this server: who the client is, what it may have, and where its tokens are kept.

Runs in the client's tenant context, which the endpoints open: other tenants' rows are not there.
"""

import hmac
from datetime import timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from credentials.secrets import secret_hash
from credentials.snapshots import token_digest
from oauth.exceptions import CameTwice
from oauth.models import Application, Grant, RefreshToken
from oauth.selectors import person_scopes
from oauth.services.authorizations import authorization_of_itself
from oauth.services.tokens import access_token_issue, code_issue, refresh_token_issue, token_revoke


class Validator(OAuth2Validator):
    """The toolkit's validator over this app's models and services."""

    def _load_application(self, client_id: str, request: Any) -> Application | None:
        if request.client is None or request.client.client_id != client_id:
            found = Application.objects.select_related("api_client__organization").filter(client_id=client_id)
            application = found.first()
            request.client = application if application and application.is_usable(request) else None
        return request.client

    def _check_secret(self, provided_secret: str, stored_secret: Any) -> bool:
        presented, found = secret_hash(provided_secret), False
        for stored in stored_secret:
            found |= hmac.compare_digest(presented, stored)
        return found

    # --- codes

    def _grant(self, code: str, request: Any) -> Grant | None:
        if getattr(request, "grant", None) is None:
            grants = Grant.objects.select_for_update(of=("self",)).select_related("authorization", "user")
            request.grant = grants.filter(code=token_digest(code), application=request.client).first()
        return request.grant

    def _create_authorization_code(self, request: Any, code: dict[str, str], expires: Any = None) -> Grant:
        return code_issue(
            code=code["code"],
            application=request.client,
            user=request.user,
            scopes=request.scopes,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
        )

    def validate_code(
        self, client_id: str, code: str, client: Application, request: Any, *_: Any, **__: Any
    ) -> bool:
        grant = self._grant(code, request)
        if grant is None:
            return False
        if grant.used_at is not None:
            raise CameTwice(family=grant.id)
        if grant.is_expired() or grant.authorization.revoked_at is not None:
            return False
        request.user, request.scopes = grant.user, grant.scope.split()
        return True

    def get_code_challenge(self, code: str, request: Any) -> str:
        return request.grant.code_challenge

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return request.grant.code_challenge_method

    def get_default_redirect_uri(self, client_id: str, request: Any, *_: Any, **__: Any) -> str:
        grant = getattr(request, "grant", None)
        return grant.redirect_uri if grant else super().get_default_redirect_uri(client_id, request)

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        return request.grant.redirect_uri_allowed(redirect_uri)

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *_: Any, **__: Any
    ) -> None:
        request.grant.used_at = timezone.now()
        request.grant.save(update_fields=["used_at", "updated_at"])

    # --- tokens

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        return bool(scopes) and super().validate_scopes(client_id, scopes, client, request)

    def validate_refresh_token(
        self, refresh_token: str, client: Application, request: Any, *_: Any, **__: Any
    ) -> bool:
        tokens = RefreshToken.objects.select_for_update(of=("self",)).select_related("authorization", "user")
        found = tokens.filter(token_checksum=token_digest(refresh_token), application=client).first()
        if found is None:
            return False
        if found.rotated_at is not None:
            raise CameTwice(family=found.family)
        if not found.is_live() or found.authorization.revoked_at is not None:
            return False
        request.user, request.refresh_token_instance = found.user, found
        return bool(self.get_original_scopes(refresh_token, request))

    def get_original_scopes(self, refresh_token: str, request: Any, *_: Any, **__: Any) -> list[str]:
        """What the refresh token carries, as far as its client and its person still have it."""
        held = person_scopes(request.user, request.client.organization_id) & set(
            request.client.api_client.scopes
        )
        return [scope for scope in request.refresh_token_instance.scope.split() if scope in held]

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any, **__: Any) -> None:
        rotated = grant = None
        if request.grant_type == "client_credentials":
            authorization, family = authorization_of_itself(application=request.client), None
        elif request.grant_type == "refresh_token":
            rotated = request.refresh_token_instance
            authorization, family = rotated.authorization, rotated.family
        elif request.grant_type == "authorization_code":
            grant = request.grant
            authorization, family = grant.authorization, grant.id
        else:
            raise errors.UnsupportedGrantTypeError(request=request)
        access_token_issue(
            token=token["access_token"],
            authorization=authorization,
            scope=token["scope"],
            expires=timezone.now() + timedelta(seconds=token["expires_in"]),
            family=family,
        )
        if family is not None:
            refresh_token_issue(
                token=token["refresh_token"],
                authorization=authorization,
                scope=rotated.scope if rotated else token["scope"],
                family=family,
                rotated=rotated,
            )

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *_: Any, **__: Any) -> None:
        token_revoke(token=token, application=request.client)

    def is_origin_allowed(self, client_id: str, origin: str, request: Any, *_: Any, **__: Any) -> bool:
        return False
