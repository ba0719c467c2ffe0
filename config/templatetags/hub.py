"""What the templates of every page need to show states, times, ids and form controls."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from config.money import format_minor

register = template.Library()

# State -> (colour, label). States are compared in lower case: deliveries spell theirs in capitals.
_STATES: dict[str, tuple[str, Any]] = {
    "active": ("good", _("Active")),
    "suspended": ("warn", _("Suspended")),
    "revoked": ("bad", _("Revoked")),
    "expired": ("muted", _("Expired")),
    "queued": ("info", _("Queued")),
    "processing": ("accent", _("Processing")),
    "completed": ("good", _("Completed")),
    "failed": ("bad", _("Failed")),
    "canceled": ("muted", _("Canceled")),
    "pending": ("info", _("Pending")),
    "retrying": ("warn", _("Retrying")),
    "delivered": ("good", _("Delivered")),
    "paused": ("warn", _("Paused")),
    "disabled": ("bad", _("Disabled")),
    "submitted": ("info", _("Submitted")),
    "running": ("accent", _("Running")),
    "error": ("bad", _("Error")),
    "timeout": ("bad", _("Timed out")),
    "memory_exceeded": ("bad", _("Memory exceeded")),
    "crashed": ("bad", _("Crashed")),
    "worker_lost": ("warn", _("Worker lost")),
    "held": ("warn", _("Held")),
    "booked": ("good", _("Booked")),
    "confirmed": ("good", _("Confirmed")),
    "rescheduled": ("info", _("Rescheduled")),
    "cancelled": ("muted", _("Cancelled")),
    "quoted": ("warn", _("Quoted")),
    "reserved": ("info", _("Reserved")),
    "picked_up": ("accent", _("Picked up")),
    "partly_returned": ("accent", _("Partly returned")),
    "returned": ("good", _("Returned")),
    "overdue": ("bad", _("Overdue")),
    "closed": ("muted", _("Closed")),
    "issued": ("info", _("Issued")),
    "partly_paid": ("warn", _("Partly paid")),
    "paid": ("good", _("Paid")),
    "credited": ("muted", _("Credited")),
    "new": ("info", _("New")),
    "qualified": ("accent", _("Qualified")),
    "converted": ("good", _("Converted")),
    "rejected": ("bad", _("Rejected")),
    "merged": ("muted", _("Merged")),
    "took_in": ("info", _("Took in another")),
    "approved": ("good", _("Approved")),
    "reversed": ("muted", _("Reversed")),
    "received": ("info", _("Received")),
    "adjusted": ("accent", _("Adjusted")),
    "attributed": ("accent", _("Attributed")),
    "released": ("accent", _("Released")),
    "ignored": ("muted", _("Ignored")),
    "draft": ("warn", _("Draft")),
    "sending": ("accent", _("Sending")),
    "sent": ("info", _("With the bank")),
    "created": ("good", _("Created")),
    "updated": ("info", _("Updated")),
}
_ENVIRONMENTS: dict[str, tuple[str, Any]] = {
    "sandbox": ("warn", _("Sandbox")),
    "production": ("good", _("Production")),
}
_HTTP_COLOURS = {2: "good", 3: "info", 4: "warn", 5: "bad"}


@register.filter
def state_badge(state: str) -> SafeString:
    """A key's, job's or delivery's state as a coloured pill."""
    colour, label = _STATES.get(str(state).lower(), ("muted", state))
    return format_html('<span class="pill pill-dot pill-{}">{}</span>', colour, label)


@register.filter
def environment_badge(environment: str) -> SafeString:
    """`sandbox` in amber, `production` in green; nothing for an empty one."""
    if not environment:
        return SafeString("")
    colour, label = _ENVIRONMENTS.get(environment, ("muted", environment))
    return format_html('<span class="pill pill-{}">{}</span>', colour, label)


@register.filter
def money(row: Any) -> str:
    """The price of a row with `price_minor` and `currency`, as the present language writes it."""
    return format_minor(row.price_minor, row.currency)


@register.filter
def amount(amount_minor: int | None, currency: str) -> str:
    """Minor units of a currency, as the present language writes them; a dash for none."""
    return "—" if amount_minor is None else format_minor(amount_minor, currency)


@register.filter
def percent(hundredths: int) -> str:
    """Hundredths of a percent: `1250` as `12.5 %`."""
    return f"{(Decimal(hundredths) / 100).normalize():f} %"


@register.filter
def http_badge(status: int | None) -> SafeString:
    """An HTTP status coloured by its class; a dash where no answer came."""
    if not status:
        return SafeString('<span class="muted">—</span>')
    colour = _HTTP_COLOURS.get(status // 100, "muted")
    return format_html('<span class="pill pill-code pill-{}">{}</span>', colour, status)


@register.filter
def value(row: Any) -> str:
    """The value of a row with `value_minor` and `currency`, as the present language writes it."""
    return format_minor(row.value_minor, row.currency)


@register.filter
def relative_time(moment: datetime | None) -> SafeString:
    """`5 min ago` or `in 3 h`, a date beyond 30 days; hovering shows UTC to the second."""
    if not moment:
        return SafeString('<span class="muted">—</span>')
    moment = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        _distance(moment),
    )


def _distance(moment: datetime) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    size = abs(seconds)
    if size < 45:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if size >= 30 * 86_400:
        return moment.strftime("%Y-%m-%d")
    if size < 3570:
        number = round(size / 60)
        length = ngettext("%(number)d min", "%(number)d min", number)
    elif size < 84_600:
        number = round(size / 3600)
        length = ngettext("%(number)d h", "%(number)d h", number)
    else:
        number = round(size / 86_400)
        length = ngettext("%(number)d day", "%(number)d days", number)
    sentence = gettext("%(length)s ago") if seconds >= 0 else gettext("in %(length)s")
    return sentence % {"length": length % {"number": number}}


@register.filter
def utc_time(moment: datetime | None) -> SafeString:
    """Date and time to the second, UTC; a dash for none."""
    if not moment:
        return SafeString('<span class="muted">—</span>')
    moment = moment.astimezone(UTC)
    return format_html(
        '<time class="nowrap" datetime="{}">{} UTC</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
    )


@register.filter
def milliseconds(value: float | None) -> str:
    """`8.4 ms`, `120 ms`, `2.10 s`; a dash for none."""
    if value is None:
        return "—"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


@register.filter
def duration(seconds: float | None) -> str:
    """`850 ms`, `42 s`, `3 min`, `5 h`, `2 days`; a dash for none."""
    if seconds is None:
        return "—"
    for size, unit in ((172_800, 86_400), (5400, 3600), (90, 60)):
        if seconds >= size:
            names = {86_400: _("%(number)d days"), 3600: _("%(number)d h"), 60: _("%(number)d min")}
            return str(names[unit]) % {"number": round(seconds / unit)}
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


@register.filter
def clock(seconds: float | None) -> str:
    """A place in a recording: `1:05`, or `1:02:07` past the hour."""
    minutes, rest = divmod(int(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def id_tail(value: Any) -> str:
    """The end of a UUIDv7, which tells two apart (its beginning is the time); short ids whole."""
    text = str(value)
    return f"…{text[-8:]}" if len(text) > 16 else text


@register.filter
def url_host(url: str) -> str:
    """The host (and port) that a URL names, or the text itself where it names none."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


@register.filter
def indented_json(value: Any) -> str:
    """JSON, as text or as an object, indented for reading; other text as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def chart_rows(chart: dict[str, Any]) -> list[tuple[datetime, list[int]]]:
    """A chart's numbers as table rows, newest first: (moment, one number for each series)."""
    moments = [datetime.fromisoformat(label) for label in chart["labels"]]
    columns = zip(*(series["values"] for series in chart["series"]), strict=True)
    return [(moment, list(row)) for moment, row in zip(moments, columns, strict=True)][::-1]


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether the field is one box with its label beside it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def control(field: BoundField) -> SafeString:
    """A field's widget with Bootstrap's class for its kind, marked when it has errors."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput | RadioSelect):
        css = "form-check-input"
    else:
        css = "form-select" if isinstance(widget, Select) else "form-control"
    classes = [css, widget.attrs.get("class", ""), "is-invalid" if field.errors else ""]
    return field.as_widget(attrs={"class": " ".join(filter(None, classes))})


@register.filter
def spoken(name: str) -> str:
    """A machine's name as words: `customer_sentiment` reads "Customer sentiment"; a person's stays."""
    words = str(name).replace("_", " ")
    return words.capitalize() if words in (words.lower(), words.upper()) else words
