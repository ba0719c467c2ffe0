"""What a site or a widget shows: the offers of live campaigns, each with the link that leads to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject, Lower
from django.utils import timezone
from django.utils.text import slugify

from catalog.models import WHOLE, CatalogVersion, Offer
from config.money import format_minor
from rewards.models import Campaign, SmartLink


@dataclass(frozen=True, slots=True)
class Reward:
    """What an end user gets: `value` in per cent of the purchase, or in minor units of `currency`."""

    type: str
    value: float
    currency: str

    def __str__(self) -> str:
        if self.type == "percentage":
            return f"{self.value:g}%"
        return format_minor(int(self.value), self.currency).replace(".00", "")


@dataclass(frozen=True, slots=True)
class Deal:
    """An offer as visitors see it. Of the commission it says only what is theirs."""

    offer_id: UUID
    slug: str
    name: str
    brand_name: str
    category: str
    description: str
    image_url: str
    ends_at: datetime | None
    updated_at: datetime
    reward: Reward | None
    code: str

    @property
    def category_slug(self) -> str:
        return category_slug(self.category)

    @property
    def initial(self) -> str:
        return (self.brand_name or self.name)[:1].upper()


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the shelf, and how many deals it has."""

    name: str
    slug: str
    count: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """The deals of an organization in one environment; with a `client_id`, of its campaigns alone.

    Of an offer with several campaigns the newest counts. Ask in the tenant's context.
    """

    organization_id: UUID
    environment: str
    client_id: UUID | None = None

    def deals(self, *, category: str = "", search: str = "") -> QuerySet[Offer]:
        """Offers that are shown, open and have a live link, newest first; `deal_of` turns one into a Deal.

        `category` is compared whatever the case. `search` finds words by their stems or beginnings, in name,
        brand, category and description, the best first.
        """
        links = self._links().filter(campaign__offer=OuterRef("pk"))
        rows = (
            Offer.objects.for_organization(self.organization_id, self.environment)
            .shown()
            .open(at=timezone.now())
            .annotate(
                link=Subquery(
                    links.order_by("-campaign__created_at", "created_at").values(
                        terms=JSONObject(
                            code="code",
                            share="campaign__share",
                            flat="campaign__flat_reward_minor",
                            currency="campaign__currency",
                        )
                    )[:1]
                )
            )
            .filter(link__isnull=False)
            .defer("search", "network_values")
            .order_by("-created_at", "-id")
        )
        if category:
            rows = rows.annotate(category_lower=Lower("category")).filter(category_lower=category.lower())
        if search:
            rows = rows.filter(search=_words(search))
        return rows

    def deal(self, **named: Any) -> Deal | None:
        """The deal of an offer, by `id` or `slug`; None where it is not on the shelf."""
        offer = self.deals().filter(**named).first()
        return deal_of(offer) if offer else None

    def categories(self) -> list[Category]:
        """The shelf's categories by name; names that differ in case alone are one."""
        rows = (
            self.deals()
            .exclude(category="")
            .order_by()
            .annotate(lower=Lower("category"))
            .values("lower")
            .annotate(name=Max("category"), count=Count("id"))
            .order_by("lower")
        )
        return [Category(row["name"], category_slug(row["name"]), row["count"]) for row in rows]

    def version(self) -> str:
        """Moves on with every change of what the shelf shows."""
        catalog = CatalogVersion.objects.for_organization(self.organization_id, self.environment)
        numbers = [catalog.values_list("number", flat=True).first() or 0]
        for rows in (
            Campaign.objects.for_organization(self.organization_id, self.environment),
            SmartLink.objects.for_organization(self.organization_id, self.environment),
        ):
            seen = rows.aggregate(count=Count("id"), at=Max("updated_at"))
            numbers += [seen["count"], seen["at"].timestamp() if seen["at"] else 0]
        return "-".join(map(str, numbers))

    def _links(self) -> Any:
        # links that carry somebody's user would credit that user
        links = SmartLink.objects.for_organization(self.organization_id, self.environment).filter(
            status=SmartLink.Status.ACTIVE, campaign__status=Campaign.Status.ACTIVE, user_id=""
        )
        return links.filter(campaign__client_id=self.client_id) if self.client_id else links


def _words(text: str) -> SearchQuery:
    stems = SearchQuery(text, config="english", search_type="websearch")
    words = [word for word in slugify(text, allow_unicode=True).split("-") if word][:10]
    if not words:
        return stems
    beginnings = " & ".join(f"{word}:*" for word in words)
    return stems | SearchQuery(beginnings, config="simple", search_type="raw")


def category_slug(name: str) -> str:
    """A category as addresses name it."""
    return slugify(name, allow_unicode=True) or "other"


def deal_of(offer: Any) -> Deal:
    """The deal of a row of Shelf.deals()."""
    return Deal(
        offer_id=offer.id,
        slug=offer.slug,
        name=offer.name,
        brand_name=offer.brand_name,
        category=offer.category,
        description=offer.description,
        image_url=next((url for url in offer.image_urls if url.startswith(("https://", "http://"))), ""),
        ends_at=offer.ends_at,
        updated_at=offer.updated_at,
        reward=_reward(offer),
        code=offer.link["code"],
    )


def _reward(offer: Any) -> Reward | None:
    terms = offer.link
    if terms["flat"] is not None:
        reward = Reward("flat", terms["flat"], terms["currency"])
    else:
        value = offer.commission_value * terms["share"] / WHOLE
        if offer.commission_type == Offer.CommissionType.PERCENTAGE:
            reward = Reward("percentage", round(value / 100, 2), "")
        else:
            reward = Reward("flat", int(value), offer.commission_currency)
    return reward if reward.value > 0 else None
