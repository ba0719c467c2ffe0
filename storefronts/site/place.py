"""Where a visitor is: which site, in which language, under which address."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language_info

from storefronts.models import Site
from storefronts.selectors import Shelf

URLCONF = "storefronts.site.urls"


@dataclass(frozen=True, slots=True)
class Place:
    """A site in one language under `origin` (scheme and host, no slash at its end)."""

    site: Site
    language: str
    origin: str
    # Where its stylesheet and pictures are, when that is not the site's own host: the dashboard's preview.
    assets: str = ""

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.site.organization_id, self.site.environment, self.site.client_id)

    @property
    def is_rtl(self) -> bool:
        return bool(get_language_info(self.language)["bidi"])

    @property
    def prefix(self) -> str:
        """What addresses of this language begin with; the site's own language needs nothing."""
        return "" if self.language == self.site.language else f"/{self.language}"

    def path(self, name: str, *args: Any) -> str:
        """The path of one of storefronts.site.urls' pages, in this language."""
        return self.prefix + reverse(name, URLCONF, args=args)

    def address(self, path: str) -> str:
        """A path of the site as an absolute address."""
        return self.origin + quote(path, safe="/%?=&")

    @property
    def theme_url(self) -> str:
        """The stylesheet of the site's colours and font; a preview's has what is not saved yet."""
        if not self.assets:
            return f"/theme.css?v={self.site.version}"
        site = self.site
        look = {"brand_hex": site.brand_hex, "font": site.font, "appearance": site.appearance}
        return f"{self.assets}/theme.css?{urlencode(look)}"

    def picture_url(self, kind: str) -> str:
        """One of the site's pictures (SitePicture.Kind)."""
        return f"{self.assets}/picture/{kind}.png?v={self.site.version}"

    def in_language(self, language: str) -> "Place":
        return replace(self, language=language)

    def others(self, path: str) -> list[tuple[str, str, str]]:
        """The same page in each language of the site: (language, its name there, path)."""
        bare = path.removeprefix(self.prefix) or "/"
        return [
            (language, get_language_info(language)["name_local"], self.in_language(language).prefix + bare)
            for language in self.site.languages
        ]

    def text(self, row: Any, name: str) -> str:
        """A row's text in this language, or in the other where it has none."""
        own, hebrew = getattr(row, name), getattr(row, f"{name}_he")
        return (hebrew or own) if self.language == "he" else (own or hebrew)

    @property
    def is_indexed(self) -> bool:
        """Whether search engines should keep it: sandbox data is nobody's to find."""
        return self.site.environment == "production" or settings.DEBUG
