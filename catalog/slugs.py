"""Short names in addresses, one of a kind in an organization and environment."""

from uuid import UUID

from django.utils.text import slugify

from catalog.models import Brand, Offer


def slug_free(
    model: type[Brand] | type[Offer], name: str, *, organization_id: UUID, environment: str, taken: set[str]
) -> str:
    """A slug made of `name` that is neither in the table nor in `taken`, which it joins.

    Hebrew stays Hebrew. Call it with the catalogue locked (catalog/versions.py).
    """
    most = model._meta.get_field("slug").max_length or 80
    base = slugify(name, allow_unicode=True)[: most - 6].strip("-") or model._meta.model_name or "x"
    rows = model.objects.for_organization(organization_id, environment)
    used = taken | set(rows.filter(slug__startswith=base).values_list("slug", flat=True))
    slug, number = base, 2
    while slug in used:
        slug, number = f"{base}-{number}", number + 1
    taken.add(slug)
    return slug
