"""Figures over time as static/hub/chart.js and the table beside it take them."""

from collections.abc import Sequence
from typing import Any

from babel.numbers import get_currency_precision
from django.utils.translation import gettext as _

from rewards.selectors.performance import Period


def time_chart(
    times: Sequence[dict[str, Any]],
    by: str,
    series: Sequence[tuple[str, Sequence[Any]]],
    *,
    fine: bool = False,
) -> dict[str, Any]:
    """A chart of `series`, (label, a value for each slot); `by` is "hour" or "day".

    `fine` values are no counts: hundredths of them have their place on the axis.
    """
    return {
        "by": by,
        "fine": fine,
        "labels": [slot["starts_at"].isoformat() for slot in times],
        "series": [{"label": label, "values": list(values)} for label, values in series],
    }


def performance_charts(report: dict[str, Any], period: Period) -> dict[str, dict[str, Any]]:
    """The charts of a performance_report: clicks and conversions, their rate, revenue and EPC by currency."""
    times = report["by_time"]
    currencies = [earned["currency"] for earned in report["totals"]["earnings"]]

    def of(name: str) -> list[Any]:
        return [None if slot[name] is None else float(slot[name]) for slot in times]

    def earned(currency: str, name: str) -> list[float]:
        unit = 10 ** get_currency_precision(currency)
        found = []
        for slot in times:
            row = next((row for row in slot["earnings"] if row["currency"] == currency), None)
            found.append(float((row[name] if row else 0) or 0) / unit)
        return found

    return {
        "clicks": time_chart(
            times,
            period.by,
            [
                (_("Clicks"), [slot["clicks"] for slot in times]),
                (_("Conversions"), [slot["conversions"] for slot in times]),
            ],
        ),
        "rate": time_chart(times, period.by, [(_("Conversion rate, %"), of("conversion_rate"))], fine=True),
        "revenue": time_chart(
            times,
            period.by,
            [(currency, earned(currency, "revenue_minor")) for currency in currencies],
            fine=True,
        ),
        "epc": time_chart(
            times, period.by, [(currency, earned(currency, "epc")) for currency in currencies], fine=True
        ),
    }
