"""An invoice as PDF: English from the left, Hebrew from the right."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from django.http import HttpResponse
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from fpdf.line_break import NBSP

from config.money import format_minor
from invoices.amounts import rounded
from invoices.models import Invoice, InvoiceLine

_FONTS = Path(__file__).with_name("fonts")
_INK, _MUTED, _ACCENT, _LINE, _SOFT = (
    (28, 32, 44),
    (104, 112, 130),
    (67, 76, 222),
    (222, 226, 234),
    (246, 247, 251),
)
_MARGIN, _WIDTH = 18, 174
# Of the table: description, quantity, unit price, tax, amount; in mm.
_COLUMNS = (74, 20, 30, 18, 32)
_WORDS = {
    "en": {
        "invoice": "Invoice", "credit_note": "Credit note", "number": "Number", "issued": "Issued",
        "due": "Due", "to": "Bill to", "description": "Description", "quantity": "Quantity",
        "unit": "Unit price", "tax": "Tax", "amount": "Amount", "subtotal": "Subtotal",
        "tax_at": "Tax {rate}% of {base}", "total": "Total", "paid": "Paid", "credited": "Credited",
        "left": "Amount due", "corrects": "Corrects invoice", "discount": "Discount",
        "page": "Page {page} of {pages}",
    },
    "he": {
        "invoice": "חשבונית מס", "credit_note": "חשבונית זיכוי", "number": "מספר", "issued": "תאריך הפקה",
        "due": "לתשלום עד", "to": "לכבוד", "description": "תיאור", "quantity": "כמות",
        "unit": "מחיר ליחידה", "tax": "מע״מ", "amount": "סכום", "subtotal": "סכום לפני מע״מ",
        "tax_at": "מע״מ {rate}% מתוך {base}", "total": "סה״כ", "paid": "שולם", "credited": "זוכה",
        "left": "יתרה לתשלום", "corrects": "זיכוי לחשבונית", "discount": "הנחה",
        "page": "עמוד {page} מתוך {pages}",
    },
}  # fmt: skip


_LRM, _RLM = "\u200e", "\u200f"
# How descriptions of bookings and orders end.
_PERIOD = re.compile(r", (\d\d\.\d\d\.\d{4} \d\d:\d\d – \d\d\.\d\d\.\d{4} \d\d:\d\d)$")


def invoice_pdf(invoice: Invoice, lines: Sequence[InvoiceLine], *, language: str | None = None) -> bytes:
    """The invoice as A4 pages, in `language` ("en" or "he") or in the one it was issued in.

    A long one takes a second: call it outside transactions.
    """
    language = language or invoice.seller["language"]
    drawn = _Pages(invoice, lines, language, pages=1)
    if drawn.pages_count > 1:  # which is known only now, and printed on each of them
        drawn = _Pages(invoice, lines, language, pages=drawn.pages_count)
    return bytes(drawn.output())


def pdf_answer(invoice: Invoice, content: bytes) -> HttpResponse:
    """A PDF as a browser shows it, and as it is saved."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{invoice.number}.pdf"'
    return response


def _described(text: str, *, mark: str) -> str:
    """A line's description, its period on a line of its own that reads as `mark` does."""
    return _PERIOD.sub(
        lambda found: f"\n{mark}{found[1].replace(' ', NBSP)}",
        " ".join(text.split()),
    )


class _Pages(FPDF):
    """One invoice, drawn. Everything that has a side has it by `_start` and `_end`, as the language reads."""

    def __init__(self, invoice: Invoice, lines: Sequence[InvoiceLine], language: str, *, pages: int) -> None:
        super().__init__(format="A4")
        self._invoice, self._language, self._pages = invoice, language, pages
        self._words = _WORDS[language]
        self._rtl = language == "he"
        self._start, self._end = ("R", "L") if self._rtl else ("L", "R")
        for style, name in (("", "Regular"), ("B", "Bold")):
            self.add_font("Heebo", style, _FONTS / f"Heebo-{name}.ttf")
        self.set_font("Heebo", size=10)
        # each text has the direction of its first letter: an English address stays one on a Hebrew page
        self.set_text_shaping(True)
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=24)
        self.set_title(f"{self._words[invoice.kind]} {invoice.number}")
        self.set_author(invoice.seller["name"])
        self.set_creation_date(invoice.issued_at)
        self.set_lang(language)
        self.add_page()
        self._head()
        self._table(lines)
        self._sums()
        if invoice.seller["footer"]:
            self.ln(10)
            self._text(invoice.seller["footer"], size=9, colour=_MUTED)

    def footer(self) -> None:
        self.set_y(-16)
        self.set_font("Heebo", size=8)
        self.set_text_color(*_MUTED)
        page = self._words["page"].format(page=self.page_no(), pages=self._pages)
        self.cell(_WIDTH / 2, 5, f"{self._invoice.seller['name']} · {self._invoice.number}", align="L")
        self.cell(_WIDTH / 2, 5, page, align="R")

    def _head(self) -> None:
        invoice, words = self._invoice, self._words
        self.set_fill_color(*_ACCENT)
        self.rect(0, 0, 210, 3, style="F")
        self.set_y(_MARGIN)
        self._text(words[invoice.kind], size=22, style="B")
        self._text(invoice.number, size=12, colour=_MUTED)
        self.ln(6)
        top = self.get_y()
        half = _WIDTH / 2 - 4
        left, right = (
            (_MARGIN + _WIDTH / 2 + 4, _MARGIN) if self._rtl else (_MARGIN, _MARGIN + _WIDTH / 2 + 4)
        )
        self._block(left, top, half, invoice.seller["name"], invoice.seller["details"])
        seller_end = self.get_y()
        customer = invoice.customer
        self.set_xy(right, top)
        self._text(words["to"], size=8, colour=_MUTED, width=half)
        contact = "\n".join(filter(None, (customer.get("email"), customer.get("phone"))))
        self._block(right, self.get_y(), half, customer["name"], contact)
        self.set_y(max(seller_end, self.get_y()) + 6)
        zone = ZoneInfo(invoice.organization.time_zone)
        facts = [(words["issued"], self._day(invoice.issued_at.astimezone(zone)))]
        if invoice.kind == Invoice.Kind.INVOICE:
            facts.append((words["due"], self._day(invoice.due_at.astimezone(zone))))
        elif invoice.corrects:
            facts.append((words["corrects"], invoice.corrects.number))
        for label, value in facts:
            self._pair(label, value)
        if invoice.reason:
            self._text(invoice.reason, colour=_MUTED)
        self.ln(6)

    def _table(self, lines: Sequence[InvoiceLine]) -> None:
        words = self._words
        heads = [words[name] for name in ("description", "quantity", "unit", "tax", "amount")]
        rows = []
        for line in lines:
            gross = rounded(line.quantity * line.unit_price_minor)
            discount = gross - line.subtotal_minor if line.discount_minor else 0
            rows.append(
                [
                    _described(line.description, mark=_RLM if self._rtl else _LRM),
                    self._decimal(line.quantity),
                    self._money(line.unit_price_minor),
                    f"{self._decimal(line.tax_rate)}%",
                    self._money(line.subtotal_minor + discount),
                ]
            )
            if discount:
                rows.append([words["discount"], "", "", "", self._money(-discount)])
        aligns, widths = [self._start, *[self._end] * 4], list(_COLUMNS)
        if self._rtl:
            heads, aligns, widths = heads[::-1], aligns[::-1], widths[::-1]
            rows = [row[::-1] for row in rows]
        self.set_font("Heebo", size=9)
        self.set_text_color(*_INK)
        self.set_draw_color(*_LINE)
        self.set_fill_color(255, 255, 255)
        headings = FontFace(emphasis="BOLD", color=_MUTED, fill_color=_SOFT)
        with self.table(
            col_widths=widths,
            text_align=tuple(aligns),
            width=_WIDTH,
            line_height=5.5,
            padding=(1.6, 2),
            borders_layout="HORIZONTAL_LINES",
            headings_style=headings,
            repeat_headings=1,
        ) as table:
            for row in (heads, *rows):
                table.row(row)

    def _sums(self) -> None:
        invoice, words = self._invoice, self._words
        if self.get_y() > 297 - 24 - 50:
            self.add_page()
        self.ln(4)
        self._sum(words["subtotal"], invoice.subtotal_minor)
        for tax in invoice.taxes:
            rate = self._decimal(Decimal(tax["rate"]))
            self._sum(words["tax_at"].format(rate=rate, base=self._money(tax["baseMinor"])), tax["taxMinor"])
        self._sum(words["total"], invoice.total_minor, bold=True)
        if invoice.paid_minor or invoice.credited_minor:
            if invoice.paid_minor:
                self._sum(words["paid"], invoice.paid_minor)
            if invoice.credited_minor:
                self._sum(words["credited"], invoice.credited_minor)
            self._sum(words["left"], invoice.due_minor, bold=True)

    def _sum(self, label: str, amount_minor: int, *, bold: bool = False) -> None:
        self.set_font("Heebo", "B" if bold else "", 11 if bold else 9.5)
        self.set_text_color(*(_INK if bold else _MUTED))
        label_width, amount_width = 72, 36
        x = _MARGIN if self._rtl else _MARGIN + _WIDTH - label_width - amount_width
        height = 8 if bold else 6
        self.set_x(x)
        if bold:
            self.set_draw_color(*_LINE)
            self.line(x, self.get_y(), x + label_width + amount_width, self.get_y())
        parts = [(label_width, label, self._start), (amount_width, self._money(amount_minor), self._end)]
        for width, text, align in parts[::-1] if self._rtl else parts:
            self.cell(width, height, text, align=align)
        self.ln(height)

    def _pair(self, label: str, value: str) -> None:
        parts = [(38, label, _MUTED), (60, value, _INK)]
        self.set_font("Heebo", size=9.5)
        self.set_x(_MARGIN + _WIDTH - 98 if self._rtl else _MARGIN)
        for width, text, colour in parts[::-1] if self._rtl else parts:
            self.set_text_color(*colour)
            self.cell(width, 5.5, text, align=self._start)
        self.ln(5.5)

    def _block(self, x: float, y: float, width: float, name: str, details: str) -> None:
        self.set_xy(x, y)
        self._text(name, size=11, style="B", width=width)
        if details:
            self.set_x(x)
            self._text(details, size=9, colour=_MUTED, width=width)

    def _text(
        self,
        text: str,
        *,
        size: float = 10,
        style: str = "",
        colour: tuple[int, int, int] = _INK,
        width: float = _WIDTH,
    ) -> None:
        self.set_font("Heebo", style, size)
        self.set_text_color(*colour)
        for line in text.splitlines():
            self.multi_cell(width, size * 0.5, line, align=self._start, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def _money(self, amount_minor: int) -> str:
        return format_minor(amount_minor, self._invoice.currency, language=self._language)

    def _decimal(self, number: Decimal) -> str:
        return format_decimal(number.normalize(), locale=self._language)

    def _day(self, moment: Any) -> str:
        return format_date(moment, "long", locale=self._language)
