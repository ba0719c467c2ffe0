"""White-label sites, and the publishable keys of widgets."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet
from storefronts.querysets import PublishableKeyQuerySet, SiteDomainQuerySet

HEX_COLOUR = r"^#[0-9a-f]{6}$"
DEFAULT_BRAND = "#4f46e5"


class PublishableKey(TenantModel):
    """What a widget in somebody's page shows: no secret, reads the client's offers and nothing else.

    Browsers on other `origins` (scheme, host, port) are refused. `key` is `pub_<environment>_` and 20
    base62 characters, so a log shows what it is.
    """

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="+", db_constraint=False)
    name = models.CharField(max_length=120)
    key = models.CharField(max_length=40, unique=True)
    origins = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    requests_per_minute = models.PositiveIntegerField(default=600)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.CharField(max_length=254, blank=True)

    objects = PublishableKeyQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="publishable_key_pace", condition=Q(requests_per_minute__gte=1)),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="publishable_key_newest"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    @property
    def status(self) -> str:
        return "revoked" if self.revoked_at else "active"


class Site(TenantModel):
    """A tenant's own front: branding, texts and navigation around the offers of its campaigns.

    `slug` is its name below SITES_DOMAIN; domains of its own stand beside that. With a `client` it shows
    that partner's campaigns, else the whole organization's. `version` moves with every change of the site
    or of what belongs to it: what is cached of it is cached under that number.
    """

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        HEBREW = "he", "עברית"

    class Font(models.TextChoices):
        HEEBO = "heebo", "Heebo"
        SYSTEM = "system", _("The device's own")
        SERIF = "serif", _("Serif")
        ROUNDED = "rounded", _("Rounded")

    class Appearance(models.TextChoices):
        AUTO = "auto", _("As the visitor's device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    client = models.ForeignKey(
        ApiClient, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=80)
    tagline = models.CharField(max_length=120, blank=True)
    tagline_he = models.CharField(max_length=120, blank=True)
    description = models.CharField(max_length=300, blank=True)
    description_he = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    is_bilingual = models.BooleanField(default=True)
    brand_hex = models.CharField(max_length=7, default=DEFAULT_BRAND)
    font = models.CharField(max_length=10, choices=Font, default=Font.HEEBO)
    appearance = models.CharField(max_length=5, choices=Appearance, default=Appearance.AUTO)
    contact_email = models.EmailField(max_length=254, blank=True)
    is_published = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="site_brand_hex", condition=Q(brand_hex__regex=HEX_COLOUR)),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="site_newest"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def own_hostname(self) -> str:
        """Its name below SITES_DOMAIN; "" where the hub gives none."""
        return f"{self.slug}.{settings.SITES_DOMAIN}" if settings.SITES_DOMAIN else ""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it is read in, its own first."""
        others = tuple(one for one in self.Language.values if one != self.language)
        return (self.language, *others) if self.is_bilingual else (self.language,)


class SitePicture(TenantModel):
    """A site's logo, icon or picture for shared links, as PNG made by us; anybody may see it."""

    class Kind(models.TextChoices):
        LOGO = "logo", _("Logo")
        ICON = "icon", _("Icon")
        SHARE = "share", _("Picture of shared links")

    site = models.ForeignKey(Site, models.CASCADE, related_name="pictures", db_constraint=False)
    kind = models.CharField(max_length=5, choices=Kind)
    content = models.BinaryField(max_length=1_000_000)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("site", "kind"), name="site_picture_once"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.site_id}"


class SiteDomain(TenantModel):
    """A domain of a tenant's own, and whether it has been shown to be theirs.

    Several organizations may claim one; it is served for the one that verifies it, and by then nobody else
    can. `token` is what the owner publishes (storefronts/services/domains.py).
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="domains", db_constraint=False)
    hostname = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    verified_at = models.DateTimeField(null=True, blank=True)
    # "http", "dns", or who vouched for it.
    verified_by = models.CharField(max_length=254, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.CharField(max_length=300, blank=True)
    # Other names of the site lead to this one.
    is_primary = models.BooleanField(default=False)

    objects = SiteDomainQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("hostname",), name="site_domain_verified", condition=Q(verified_at__isnull=False)
            ),
            models.UniqueConstraint(fields=("site", "hostname"), name="site_domain_once"),
            models.UniqueConstraint(
                fields=("site",), name="site_domain_primary", condition=Q(is_primary=True)
            ),
            models.CheckConstraint(name="site_domain_lower", condition=Q(hostname=Lower("hostname"))),
            models.CheckConstraint(
                name="site_domain_primary_verified",
                condition=Q(is_primary=False) | Q(verified_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.hostname

    @property
    def status(self) -> str:
        return "verified" if self.verified_at else "unverified"


class SitePage(TenantModel):
    """A page of a site's own: terms, privacy, about. Bodies are Markdown without HTML."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="pages", db_constraint=False)
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    title_he = models.CharField(max_length=120, blank=True)
    body = models.TextField(max_length=50_000)
    body_he = models.TextField(max_length=50_000, blank=True)
    in_footer = models.BooleanField(default=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("title", "id")
        constraints = (models.UniqueConstraint(fields=("site", "slug"), name="site_page_slug"),)

    def __str__(self) -> str:
        return self.title


class NavigationItem(TenantModel):
    """An entry of a site's navigation, in the order of `position`: a category, a page, or an address."""

    class Kind(models.TextChoices):
        CATEGORY = "category", _("Category")
        PAGE = "page", _("Page")
        ADDRESS = "address", _("Address elsewhere")

    site = models.ForeignKey(Site, models.CASCADE, related_name="navigation", db_constraint=False)
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Kind)
    label = models.CharField(max_length=40)
    label_he = models.CharField(max_length=40, blank=True)
    category = models.CharField(max_length=120, blank=True)
    page = models.ForeignKey(
        SitePage, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    url = models.CharField(max_length=2048, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("position", "id")
        constraints = (
            models.CheckConstraint(
                name="navigation_target",
                condition=(Q(kind="category", page=None, url="") & ~Q(category=""))
                | Q(kind="page", category="", url="", page__isnull=False)
                | (Q(kind="address", category="", page=None) & Q(url__regex="^https?://")),
            ),
        )

    def __str__(self) -> str:
        return self.label
