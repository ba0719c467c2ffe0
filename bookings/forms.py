"""How people make resources, and book by hand."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.models import Resource
from bookings.opening_hours import WEEKDAYS, clock, opening_hours_read
from bookings.selectors import Slot
from config.tenancy import Environment
from credentials.forms import ZONES

_SPAN = re.compile(r"\s*(\d{2}:\d{2})\s*[-–]\s*(\d{2}:\d{2})\s*")
_DAY_LABELS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


class ResourceForm(forms.ModelForm):
    """A resource; its opening hours as a line of text a day."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    time_zone = forms.ChoiceField(choices=ZONES, label=_("Time zone"))
    price = forms.DecimalField(
        min_value=0,
        max_digits=12,
        decimal_places=2,
        label=_("Price"),
        help_text=_("Of a slot; without slots, of an hour."),
    )
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"), initial="ILS")
    tax_rate = forms.DecimalField(
        label=_("Tax, in %"), min_value=0, max_value=100, max_digits=5, decimal_places=2, initial=0
    )

    class Meta:
        model = Resource
        fields = (
            "name", "kind", "location", "time_zone", "slot_minutes", "buffer_minutes", "capacity",
            "currency", "tax_rate", "notice_minutes", "is_active",
        )  # fmt: skip
        labels = {
            "name": _("Name"),
            "kind": _("Kind"),
            "location": _("Location"),
            "slot_minutes": _("Slot, in minutes"),
            "buffer_minutes": _("Rest after a booking, in minutes"),
            "capacity": _("Places"),
            "notice_minutes": _("Notice, in minutes"),
            "is_active": _("Can be booked"),
        }
        help_texts = {
            "slot_minutes": _("Empty: from any minute to any other."),
            "capacity": _("How many bookings fit beside each other."),
            "notice_minutes": _("Until this long before the start partners may cancel and move."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hours = self.instance.opening_hours if self.instance.pk else {}
        for day, label in zip(WEEKDAYS, _DAY_LABELS, strict=True):
            spans = ", ".join("–".join(span) for span in hours.get(day, ()))
            self.fields[day] = forms.CharField(
                required=False,
                label=label,
                initial=spans,
                widget=forms.TextInput(attrs={"placeholder": _("closed")}),
            )
        if self.instance._state.adding:
            for day in WEEKDAYS[:5]:
                self.fields[day].initial = "09:00–17:00"
        else:
            del self.fields["environment"]
            self.fields["price"].initial = self.instance.price_minor / 100

    @property
    def days(self) -> list[forms.BoundField]:
        return [self[day] for day in WEEKDAYS]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        hours: dict[str, list[list[str]]] = {}
        for day in WEEKDAYS:
            text = data.pop(day, "")
            try:
                hours |= opening_hours_read({day: _spans(text)})
            except ValueError:
                self.add_error(day, _("Write it like 09:00–12:00, 13:00–17:00; a day ends at 24:00."))
        data["opening_hours"] = hours
        return data

    def terms(self) -> dict[str, Any]:
        """The columns to write."""
        data = dict(self.cleaned_data)
        data.pop("environment", None)
        data["price_minor"] = int(data.pop("price") * 100)
        return data


def _spans(text: str) -> list[list[str]]:
    parts = [part for part in text.split(",") if part.strip()]
    matches = [_SPAN.fullmatch(part) for part in parts]
    if not all(matches):
        raise ValueError(text)
    return [[match[1], match[2]] for match in matches if match]


class CustomerForm(forms.Form):
    """Who a booking is for."""

    name = forms.CharField(max_length=255, label=_("Name"))
    email = forms.EmailField(max_length=254, required=False, label=_("E-mail"))
    phone = forms.CharField(max_length=40, required=False, label=_("Phone"))


class TimeForm(forms.Form):
    """When: one of the free slots of a day, or a start and a length where there are none."""

    slot = forms.ChoiceField(label=_("Time"), required=False)
    starts = forms.TimeField(label=_("Start"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    minutes = forms.IntegerField(
        label=_("Length, in minutes"), required=False, min_value=1, max_value=7 * 1440, initial=60
    )

    def __init__(self, *args: Any, resource: Resource, day: Any, free: Iterable[Slot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resource, self._day = resource, day
        self._zone = ZoneInfo(resource.time_zone)
        self.open_slots = [
            (slot.starts_at.isoformat(), clock(slot.starts_at, self._zone), slot.free)
            for slot in free
            if slot.free
        ]
        if resource.slot_minutes:
            self.fields["slot"].choices = [(value, value) for value, _starts, _free in self.open_slots]  # type: ignore[attr-defined]
            self.fields["slot"].required = True
        else:
            self.fields["starts"].required = self.fields["minutes"].required = True

    def times(self) -> tuple[datetime, datetime]:
        """Start and end of the valid form."""
        if self._resource.slot_minutes:
            starts_at = datetime.fromisoformat(self.cleaned_data["slot"])
            return starts_at, starts_at + timedelta(minutes=self._resource.slot_minutes)
        starts_at = datetime.combine(self._day, self.cleaned_data["starts"], self._zone)
        return starts_at, starts_at + timedelta(minutes=self.cleaned_data["minutes"])


class ReasonForm(forms.Form):
    """Why a booking is cancelled."""

    reason = forms.CharField(max_length=500, required=False, label=_("Reason"))
