"""How pages show commissions and shares."""

from babel.numbers import format_percent
from django import template
from django.utils.translation import get_language, to_locale

from catalog.models import WHOLE, Offer
from config.money import format_minor

register = template.Library()


@register.filter
def share(hundredths: int) -> str:
    """Hundredths of a percent, as the present language writes them: `12.5%`."""
    return format_percent(hundredths / WHOLE, "#,##0.##%", locale=to_locale(get_language() or "en"))


@register.filter
def commission(offer: Offer) -> str:
    """What an offer pays: a percentage of the sale, or an amount."""
    if offer.commission_type == Offer.CommissionType.PERCENTAGE:
        return share(offer.commission_value)
    return format_minor(offer.commission_value, offer.commission_currency)
