"""What renting costs: the cheapest combination of weeks, days and hours, in minor units."""

import math
from datetime import timedelta

from rentals.models import Item

_HOUR = timedelta(hours=1)
_DAY_H, _WEEK_H = 24, 168


def price_of(item: Item, duration: timedelta) -> int:
    """The price of one for this long: begun weeks, days and hours, mixed so that it is least."""
    hours = math.ceil(duration / _HOUR)
    week = item.price_week_minor
    if week is None:
        return _without_weeks(item, hours) or 0
    # the rest costs the same for every week that is added: no number between these is cheaper
    found = [math.ceil(hours / _WEEK_H) * week]
    for weeks in (0, hours // _WEEK_H):
        rest = _without_weeks(item, hours - weeks * _WEEK_H)
        if rest is not None:
            found.append(weeks * week + rest)
    return min(found)


def _without_weeks(item: Item, hours: int) -> int | None:
    """None where neither hours nor days have a price."""
    hour, day = item.price_hour_minor, item.price_day_minor
    if hour is None and day is None:
        return None if hours else 0
    if day is None:
        return hours * (hour or 0)
    found = [math.ceil(hours / _DAY_H) * day]
    if hour is not None:
        days, rest = divmod(hours, _DAY_H)
        found += [hours * hour, days * day + rest * hour]
    return min(found)
