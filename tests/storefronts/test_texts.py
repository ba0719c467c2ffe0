"""Every text of a site is there in Hebrew, and every colour a tenant may choose is readable."""

import io
from pathlib import Path

import pytest
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from storefronts.site.colours import DARK_GROUNDS, LIGHT_GROUNDS, colour_of, contrast, palette
from storefronts.site.markup import prose

HEBREW = settings.BASE_DIR / "locale" / "he" / "LC_MESSAGES"
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def texts():
    sources = {path: path.read_bytes() for path in (settings.BASE_DIR / "storefronts" / "site").glob("*.py")}
    for path in (settings.BASE_DIR / "templates" / "site").glob("*.html"):
        sources[path] = templatize(path.read_text()).encode()
    for source in sources.values():
        for _line, _function, message, _comments in extract_python(io.BytesIO(source), _KEYWORDS, [], {}):
            first = message if isinstance(message, str) else message[0]
            if first:
                yield first


def said(message):
    return message.string if isinstance(message.string, str) else tuple(message.string)


def catalogue(path: Path, read):
    with path.open("rb") as file:
        return {
            (message.id if isinstance(message.id, str) else message.id[0]): said(message)
            for message in read(file)
            if message.id
        }


def test_every_text_of_a_site_is_there_in_hebrew():
    hebrew = catalogue(HEBREW / "django.po", lambda file: read_po(file, locale="he"))
    wanted = set(texts())
    assert len(wanted) > 30
    assert wanted - {text for text, words in hebrew.items() if words and all(words)} == set()
    assert set(hebrew) - wanted == set()


def test_the_compiled_texts_are_those_of_the_source():
    source = catalogue(HEBREW / "django.po", lambda file: read_po(file, locale="he"))
    assert catalogue(HEBREW / "django.mo", read_mo) == source


@hypothesis_settings(deadline=None)
@given(st.integers(min_value=0, max_value=0xFFFFFF))
def test_any_colour_is_readable_as_ground_and_as_text(number):
    colours = {name: colour_of(value) for name, value in palette(f"#{number:06x}").items()}
    assert contrast(colours["brand"], colours["on-brand"]) >= 4.5
    assert all(contrast(colours["brand-on-light"], ground) >= 4.5 for ground in LIGHT_GROUNDS)
    assert all(contrast(colours["brand-on-dark"], ground) >= 4.5 for ground in DARK_GROUNDS)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n## Two", "<h2>One</h2>\n<h3>Two</h3>\n"),
        ("## One", "<h2>One</h2>\n"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("[x](https://a.example)", '<p><a href="https://a.example">x</a></p>\n'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html,x)", "<p>[x](data:text/html,x)</p>\n"),
    ],
)
def test_markdown_is_text_lists_and_links_and_no_html(text, html):
    assert prose(text) == html
