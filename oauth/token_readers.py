"""How the governed request reads OAuth tokens (credentials/snapshots.py)."""

from credentials.snapshots import Snapshot, token_reader, token_snapshot_of
from oauth.models import AccessToken
from oauth.selectors import person_scopes


@token_reader
def access_token_read(digest: str) -> Snapshot | None:
    """The token stored under this keyed hash, held to what its client and its person may do now."""
    token = (
        AccessToken.objects.select_related("application__api_client__organization", "authorization__user")
        .filter(token_checksum=digest)
        .first()
    )
    if token is None:
        return None
    authorization, client = token.authorization, token.application.api_client
    scopes = set(token.scope.split())
    if authorization.user is not None:
        scopes &= person_scopes(authorization.user, client.organization_id)
    return token_snapshot_of(
        client,
        authorization_id=authorization.id,
        scopes=scopes,
        expires_at=token.expires,
        active=authorization.revoked_at is None and bool(scopes),
        ip_allowlist=token.application.ip_allowlist,
    )
