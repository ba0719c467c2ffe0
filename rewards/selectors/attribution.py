"""Whose conversion it is: what a network gives back of a click."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from rewards.addresses import CLICK
from rewards.models import Click, SmartLink

# An id's time has milliseconds, which two clocks may round apart.
_SLACK = timedelta(seconds=1)


class Attribution(NamedTuple):
    """The link that a conversion came by, and the click if there was one; ids of the partner's own."""

    link: SmartLink
    click: Click | None
    user_id: str
    sub_id: str


def attribution_of(reference: str) -> Attribution | None:
    """What `reference`, the click's place in a network's postback, names in the present tenant context.

    A click's id (32 hex digits, or with hyphens); or a link's code, alone or with `.` and the partner's own
    id, as raw network links have it. None for anything else, and for a click that is not known (yet: clicks
    are shipped within seconds, or once the database is back).
    """
    reference = reference.strip()
    try:
        click = click_find(UUID(reference))
    except ValueError:
        return _of_link(reference)
    if click is None:
        return None
    link = SmartLink.objects.select_related("campaign").filter(id=click.link_id).first()
    return Attribution(link, click, click.user_id, click.sub_id) if link else None


def click_find(click_id: UUID) -> Click | None:
    """A click by its id, which holds its time: only that day's partition is looked into."""
    span = click_span(click_id)
    return Click.objects.filter(id=click_id, created_at__range=span).first() if span else None


def click_span(click_id: UUID) -> tuple[datetime, datetime] | None:
    """Between which moments a click was, by its id; None for what is no such id."""
    try:
        at = click_time(click_id)
        return at - _SLACK, at + _SLACK
    except (OverflowError, ValueError):
        return None


def click_time(click_id: UUID) -> datetime:
    """When a click was, by its id (RFC 9562, UUIDv7). Raises OverflowError for what is no such id."""
    return datetime.fromtimestamp((click_id.int >> 80) / 1000, UTC)


def link_code(reference: str) -> str:
    """The link's code in what a network gives back of its raw link."""
    return reference.partition(".")[0][:16]


def _of_link(reference: str) -> Attribution | None:
    own = reference.partition(".")[2]
    link = SmartLink.objects.select_related("campaign").filter(code=link_code(reference)).first()
    if link is None:
        return None
    own = "" if own == CLICK else own[:120]
    return Attribution(link, None, link.user_id, own or link.sub_id)
