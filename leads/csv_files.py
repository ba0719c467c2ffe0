"""CSV files of leads: read as people's programs write them; written so that spreadsheets run no cell."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from babel.numbers import get_currency_precision
from django.utils.translation import gettext as _

from partners.selectors import cell

MAX_BYTES = 10_000_000
MAX_COLUMNS = 200
_DELIMITERS = (",", ";", "\t")
# Field -> what its column is called, in small letters and without anything else.
_NAMES = {
    "name": (
        "name",
        "fullname",
        "leadname",
        "contact",
        "contactname",
        "customer",
        "customername",
        "שם",
        "שםמלא",
    ),
    "email": ("email", "emailaddress", "mail", "דואל", "אימייל", "מייל"),
    "phone": ("phone", "phonenumber", "mobile", "mobilephone", "tel", "telephone", "cell", "טלפון", "נייד"),
    "externalId": ("externalid", "id", "leadid", "crmid", "reference"),
    "source": ("source", "leadsource", "channel", "origin", "מקור"),
    "notes": ("notes", "note", "comments", "comment", "description", "remarks", "הערות"),
    "tags": ("tags", "tag", "labels", "תגיות"),
    "value": ("value", "amount", "dealvalue", "worth", "price", "שווי", "סכום"),
    "currency": ("currency", "currencycode", "מטבע"),
    "company": ("company", "companyname", "companyid", "account", "חברה"),
    "agent": ("agent", "agentemail", "owner", "owneremail", "נציג"),
}
FIELDS = tuple(_NAMES)


class UnreadableFile(ValueError):
    """The file cannot be taken; its text says why, to the person who uploaded it."""


class Shape(NamedTuple):
    """What a file looks like: its delimiter, its header, and how many rows follow that are not blank."""

    delimiter: str
    header: list[str]
    rows: int


class Row(NamedTuple):
    """A row by its number in a spreadsheet (the header is 1), with a cell for each column of the header."""

    number: int
    cells: list[str]


def shape_of(content: bytes) -> Shape:
    """Look through a whole file once. Raises UnreadableFile."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(_("The file is larger than 10 MB."))
    if b"\x00" in content:
        raise UnreadableFile(_("This is not a text file. Save it as “CSV UTF-8”."))
    try:
        first = next(csv.reader(_text(content), delimiter="\x1f"), None)
        delimiter = max(_DELIMITERS, key=(first or [""])[0].count)
        header = [name.strip()[:255] for name in next(csv.reader(_text(content), delimiter=delimiter), [])]
        rows = sum(1 for _row in rows_read(content, delimiter=delimiter, width=len(header)))
    except UnicodeDecodeError as error:
        raise UnreadableFile(_("The file is not UTF-8. Save it as “CSV UTF-8”.")) from error
    except csv.Error as error:
        raise UnreadableFile(_("The file is not CSV: %(error)s.") % {"error": error}) from error
    if not any(header) or not rows:
        raise UnreadableFile(_("The file needs a line of column names, and lines below it."))
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile(_("The file has more than %(count)d columns.") % {"count": MAX_COLUMNS})
    return Shape(delimiter, header, rows)


def rows_read(content: bytes, *, delimiter: str, width: int) -> Iterator[Row]:
    """The rows behind the header that are not blank, one at a time; short ones are filled up.

    Raises csv.Error or UnicodeDecodeError for what `shape_of` refuses.
    """
    reader = csv.reader(_text(content), delimiter=delimiter)
    next(reader, None)
    for number, cells in enumerate(reader, start=2):
        if any(text.strip() for text in cells):
            yield Row(number, cells + [""] * (width - len(cells)))


def columns_guess(header: Sequence[str]) -> dict[str, int]:
    """Which column holds which field, by the columns' names."""
    names = [re.sub(r"[\W_]", "", name.lower()) for name in header]
    return {
        field: next(names.index(known) for known in called if known in names)
        for field, called in _NAMES.items()
        if set(called) & set(names)
    }


def fields_of(row: Row, columns: Mapping[str, int]) -> dict[str, str]:
    """A row's cells by field."""
    return {field: row.cells[position].strip() for field, position in columns.items()}


def others_of(row: Row, columns: Mapping[str, int], header: Sequence[str]) -> dict[str, str]:
    """The cells of named columns that are no field, where they hold something."""
    taken = set(columns.values())
    return {
        name: row.cells[position].strip()
        for position, name in enumerate(header)
        if position not in taken and name and row.cells[position].strip()
    }


def tags_read(text: str) -> list[str]:
    return [tag.strip() for tag in re.split(r"[,;|]", text) if tag.strip()]


def minor_read(text: str, currency: str) -> int:
    """An amount as people write it (`1,250.50`, `1.250,5`, `₪ 90`) in minor units. Raises ValueError."""
    digits = re.sub(r"[^\d.,\-]", "", text)
    last = max(digits.rfind("."), digits.rfind(","))
    both = "." in digits and "," in digits
    if last >= 0 and (both or digits[last] == "." or re.fullmatch(r"-?\d+,\d{1,2}", digits)):
        digits = re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :]
    try:
        amount = Decimal(digits.replace(",", "")).scaleb(get_currency_precision(currency))
    except InvalidOperation as error:
        raise ValueError(text) from error
    if amount != amount.to_integral_value():
        raise ValueError(text)
    return int(amount)


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Rows as lines of a CSV file that spreadsheets show as they are; begins with their mark of UTF-8."""
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
