"""A site's own texts: Markdown without HTML."""

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# HTML stays text, and links to anything but web and mail addresses stay text too. A page has its own h1.
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False}).disable(["image", "lheading"])


def prose(text: str) -> SafeString:
    """Markdown as HTML. The page's title is its h1, so the highest heading of the text becomes an h2."""
    tokens = _markdown.parse(text)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1]) for token in headings), default=2)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + 2)}"
    return mark_safe(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S308 (escaped by the parser)
