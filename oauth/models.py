"""OAuth 2.1: API clients as applications, their secrets, what people consented to, codes and tokens.

The models are django-oauth-toolkit's, without the columns for what this server does not do (implicit and
password grants, OpenID Connect, dynamic registration), in the client's tenant, and with keyed hashes in the
place of codes and tokens. All that came of one code is one `family`.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractGrant,
    AbstractRefreshToken,
    redirect_to_uri_allowed,
)

from credentials.scopes import Scope
from partners.models import ApiClient, TenantModel, User
from partners.querysets import TenantQuerySet


class Application(TenantModel, AbstractApplication):
    """An API client that uses OAuth: its `client_id` is the client's id, its redirect URIs are the client's.

    A confidential one holds secrets and may ask for tokens of its own (client credentials); a public one, an
    app on people's machines, proves itself by PKCE alone.
    """

    class Type(models.TextChoices):
        CONFIDENTIAL = "confidential", "Confidential"
        PUBLIC = "public", "Public"

    api_client = models.OneToOneField(
        ApiClient, models.CASCADE, related_name="oauth_application", db_constraint=False
    )
    client_id = models.CharField(max_length=36, unique=True)
    client_type = models.CharField(max_length=12, choices=Type, default=Type.CONFIDENTIAL)
    ip_allowlist = ArrayField(models.CharField(max_length=43), default=list, blank=True)

    # What the toolkit keeps and this server has no use for.
    user = hash_client_secret = authorization_grant_type = None
    post_logout_redirect_uris = allowed_origins = registration_source = cimd_expires_at = None
    created = updated = None
    algorithm = ""
    skip_authorization = False

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="oauth_application_type", condition=Q(client_type__in=["confidential", "public"])
            ),
        )

    def __str__(self) -> str:
        return self.api_client.name

    @property
    def name(self) -> str:
        return self.api_client.name

    @property
    def redirect_uris(self) -> str:
        return " ".join(self.api_client.redirect_uris)

    @property
    def client_secret(self) -> list[bytes]:
        """The keyed hashes of the live secrets."""
        return [bytes(found) for found in self.live_secrets().values_list("hash", flat=True)]

    def live_secrets(self) -> Any:
        """Its secrets that work now, the newest first."""
        return self.secrets.exclude(expires_at__lte=timezone.now()).order_by("-created_at")

    @property
    def is_public(self) -> bool:
        return self.client_type == self.Type.PUBLIC

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Codes and their refreshing for all, client credentials for those that hold a secret."""
        mine = {self.GRANT_AUTHORIZATION_CODE}
        if not self.is_public:
            mine.add(self.GRANT_CLIENT_CREDENTIALS)
        return not mine.isdisjoint(grant_types)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether `uri` is one of the client's, character by character; on a loopback address at any port.

        RFC 9700, 2.1; the exception for apps on the person's machine is RFC 8252, 7.3.
        """
        uris = self.api_client.redirect_uris
        loopback = [registered for registered in uris if registered.startswith("http://")]
        return uri in uris or (uri.startswith("http://") and redirect_to_uri_allowed(uri, loopback))

    def is_usable(self, request: Any) -> bool:
        client = self.api_client
        return client.status == ApiClient.Status.ACTIVE and client.organization.status == "active"


class ClientSecret(TenantModel):
    """A secret of an application; during a rotation two are live, the older one until its `expires_at`."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="secrets", db_constraint=False)
    hash = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.CharField(max_length=254, blank=True)

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"…{self.last_four}"


class AuthorizationQuerySet(TenantQuerySet):
    def live(self) -> "AuthorizationQuerySet":
        return self.filter(revoked_at=None)


class Authorization(TenantModel):
    """What a person lets an application do in their organization; without a person, the application's own.

    A live one is the remembered consent, and every token hangs on one.
    """

    application = models.ForeignKey(
        Application, models.CASCADE, related_name="authorizations", db_constraint=False
    )
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="oauth_authorizations")
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope), default=list)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=254, blank=True)

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("application", "user"),
                condition=Q(revoked_at=None),
                nulls_distinct=False,
                name="oauth_authorization_once",
            ),
        )
        indexes = (
            models.Index(fields=("user", "-updated_at"), name="oauth_authorization_of_user"),
            models.Index(
                fields=("organization", "environment", "-updated_at"), name="oauth_authorization_newest"
            ),
        )

    def __str__(self) -> str:
        return f"{self.application.name} for {self.user or 'itself'}"


class Grant(TenantModel, AbstractGrant):
    """An authorization code, as its keyed hash. Its id is the family of what is issued for it.

    A used one is kept for a day: when it comes again, its tokens end (RFC 6749, 4.1.2).
    """

    code = models.CharField(max_length=64, unique=True)
    application = models.ForeignKey(Application, models.CASCADE, related_name="+", db_constraint=False)
    authorization = models.ForeignKey(Authorization, models.CASCADE, related_name="+", db_constraint=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)
    created = updated = claims = nonce = resource = None

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("expires",), name="oauth_grant_expiry"),)


class AccessToken(TenantModel, AbstractAccessToken):
    """An access token, as its keyed hash; it carries `scope` as far as its client still holds it."""

    token_checksum = models.CharField(max_length=64, unique=True)
    application = models.ForeignKey(Application, models.CASCADE, related_name="+", db_constraint=False)
    authorization = models.ForeignKey(
        Authorization, models.CASCADE, related_name="access_tokens", db_constraint=False
    )
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    family = models.UUIDField(null=True, blank=True, db_index=True)
    token = source_refresh_token = id_token = resource = created = updated = None

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("expires",), name="oauth_access_token_expiry"),)


class RefreshToken(TenantModel, AbstractRefreshToken):
    """A refresh token, as its keyed hash: used once, and replaced by what its use answers.

    `rotated_at` says that it was used. When it comes again, somebody else holds it: its family ends.
    """

    token_checksum = models.CharField(max_length=64, unique=True)
    application = models.ForeignKey(Application, models.CASCADE, related_name="+", db_constraint=False)
    authorization = models.ForeignKey(
        Authorization, models.CASCADE, related_name="refresh_tokens", db_constraint=False
    )
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    family = models.UUIDField(db_index=True)
    scope = models.TextField()
    expires = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True, blank=True)
    token = access_token = token_family = resource = created = updated = None

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("expires",), name="oauth_refresh_token_expiry"),)

    def is_live(self) -> bool:
        return self.revoked is None and self.rotated_at is None and self.expires > timezone.now()
