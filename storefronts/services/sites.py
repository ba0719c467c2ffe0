"""Sites: made, changed, their pictures. Each change moves the site's version on."""

import io
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from PIL import Image, ImageOps, UnidentifiedImageError

from config.api.exceptions import Conflict, ValidationFailed
from partners.services.audit import Actor, audit_record
from storefronts.models import Site, SitePicture

# Names below SITES_DOMAIN that visitors would take for the hub's own.
RESERVED_SLUGS = frozenset(
    [
        "admin",
        "api",
        "app",
        "dashboard",
        "docs",
        "hub",
        "mail",
        "ns1",
        "ns2",
        "smtp",
        "static",
        "status",
        "support",
        "tls",
        "widgets",
        "www",
    ]
)
_SIDES = {"logo": (480, 160), "icon": (192, 192), "share": (1200, 630)}
_MAX_PIXELS = 25_000_000
_AUDITED = (
    "slug", "name", "tagline", "tagline_he", "description", "description_he", "language", "is_bilingual",
    "brand_hex", "font", "appearance", "contact_email", "is_published", "client_id",
)  # fmt: skip


def site_create(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Site:
    """Make a site; `terms` are its columns, as the form checked them.

    Raises Conflict (409) when another site has the name below SITES_DOMAIN.
    """
    return _unless_taken(
        lambda: _create(organization_id=organization_id, environment=environment, actor=actor, terms=terms)
    )


def site_update(*, site_id: UUID, actor: Actor, **terms: Any) -> Site:
    """Change a site. Raises Site.DoesNotExist (404), and Conflict (409) like site_create."""
    return _unless_taken(lambda: _update(site_id=site_id, actor=actor, terms=terms))


def _create(*, organization_id: UUID, environment: str, actor: Actor, terms: dict[str, Any]) -> Site:
    _slug_check(terms["slug"])
    site = Site.objects.create(organization_id=organization_id, environment=environment, **terms)
    audit_record(
        actor=actor, action="site.create", target=site, organization_id=organization_id, after=_terms(site)
    )
    return site


def _update(*, site_id: UUID, actor: Actor, terms: dict[str, Any]) -> Site:
    site = Site.objects.select_for_update(of=("self",)).get(id=site_id)
    before = _terms(site)
    if terms.get("slug", site.slug) != site.slug:
        _slug_check(terms["slug"])
    for name, value in terms.items():
        setattr(site, name, value)
    site.version += 1
    site.save(update_fields=[*terms, "version", "updated_at"])
    audit_record(
        actor=actor,
        action="site.update",
        target=site,
        organization_id=site.organization_id,
        before=before,
        after=_terms(site),
    )
    return site


def _unless_taken(write: Any) -> Site:
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as error:
        if "slug" not in str(error):
            raise
        raise Conflict("Another site has this name.") from error


def _slug_check(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise ValidationFailed(slug=["This name is reserved."])


def site_touch(*, site_id: UUID) -> None:
    """Move a site's version on: something that belongs to it has changed in this transaction."""
    Site.objects.filter(id=site_id).update(version=F("version") + 1, updated_at=timezone.now())


@transaction.atomic
def picture_set(*, site: Site, kind: str, content: bytes, actor: Actor) -> SitePicture:
    """Keep a picture as PNG, made small, without what cameras write into files; it replaces the former.

    Raises ValidationFailed (400) for what is no PNG, JPEG or WebP.
    """
    picture = _read(content, _SIDES[kind])
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    kept, _made = SitePicture.objects.update_or_create(
        site=site,
        kind=kind,
        defaults={"content": target.getvalue(), "width": picture.width, "height": picture.height},
        create_defaults={
            "organization_id": site.organization_id,
            "environment": site.environment,
            "content": target.getvalue(),
            "width": picture.width,
            "height": picture.height,
        },
    )
    site_touch(site_id=site.id)
    audit_record(
        actor=actor,
        action="site.picture_set",
        target=site,
        organization_id=site.organization_id,
        after={"kind": kind},
    )
    return kept


@transaction.atomic
def picture_remove(*, site: Site, kind: str, actor: Actor) -> None:
    """Remove a picture; removing one that is not there changes nothing."""
    removed, _rows = SitePicture.objects.filter(site=site, kind=kind).delete()
    if removed:
        site_touch(site_id=site.id)
        audit_record(
            actor=actor,
            action="site.picture_remove",
            target=site,
            organization_id=site.organization_id,
            before={"kind": kind},
        )


def _read(content: bytes, box: tuple[int, int]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WebP")) as picture:
            # judged before a pixel is unpacked
            if picture.width * picture.height > _MAX_PIXELS:
                raise ValidationFailed("The picture has too many pixels.")
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationFailed("Send a PNG, JPEG or WebP picture.") from error
    upright.thumbnail(box)
    return upright


def _terms(site: Site) -> dict[str, Any]:
    terms = {name: getattr(site, name) for name in _AUDITED}
    return terms | {"client_id": str(site.client_id) if site.client_id else ""}
