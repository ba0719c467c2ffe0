"""How people make sites, and issue publishable keys."""

import re
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from partners.models import ApiClient
from storefronts.models import NavigationItem, Site, SitePage, SitePicture

MAX_PICTURE_BYTES = 5_000_000


class ClientChoice(forms.ModelChoiceField):
    """A partner, by name and environment."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({Environment(obj.environment).label})"


class SiteNewForm(forms.ModelForm):
    """What a site begins with."""

    environment = forms.ChoiceField(
        choices=Environment.choices,
        label=_("Environment"),
        help_text=_("Whose offers and campaigns it shows. Search engines keep out of sandbox sites."),
    )

    class Meta:
        model = Site
        fields = ("name", "slug", "language")
        labels = {"name": _("Name"), "slug": _("Short name"), "language": _("Language")}
        help_texts = {"slug": _("Lower-case letters, digits and dashes; what its address begins with.")}

    def clean_slug(self) -> str:
        return self.cleaned_data["slug"].lower()

    def _get_validation_exclusions(self) -> set[str]:
        # whether the name is free is known across organizations, which this form does not see
        return super()._get_validation_exclusions() | {"slug"}  # type: ignore[misc]


class SiteForm(SiteNewForm):
    """A site's branding and texts."""

    environment = None  # type: ignore[assignment]
    client = ClientChoice(
        queryset=ApiClient.objects.none(),
        required=False,
        empty_label=_("The whole organization"),
        label=_("Partner"),
        help_text=_("Whose campaigns it shows."),
    )

    class Meta:
        model = Site
        fields = (
            "name", "slug", "tagline", "tagline_he", "description", "description_he", "language",
            "is_bilingual", "brand_hex", "font", "appearance", "contact_email", "client", "is_published",
        )  # fmt: skip
        labels = {
            "name": _("Name"),
            "slug": _("Short name"),
            "tagline": _("Headline"),
            "tagline_he": _("Headline in Hebrew"),
            "description": _("Description"),
            "description_he": _("Description in Hebrew"),
            "language": _("Language"),
            "is_bilingual": _("In English and in Hebrew"),
            "brand_hex": _("Colour"),
            "font": _("Font"),
            "appearance": _("Appearance"),
            "contact_email": _("Contact e-mail"),
            "is_published": _("Published"),
        }
        help_texts = {
            "description": _("A sentence or two; search engines show it too."),
            "brand_hex": _("Text on it and in it is kept readable."),
        }
        widgets = {
            "brand_hex": forms.TextInput(attrs={"type": "color", "class": "form-control-color"}),
            "description": forms.Textarea(attrs={"rows": 2}),
            "description_he": forms.Textarea(attrs={"rows": 2, "dir": "rtl", "lang": "he"}),
            "tagline_he": forms.TextInput(attrs={"dir": "rtl", "lang": "he"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = (  # type: ignore[attr-defined]
            ApiClient.objects.filter(
                organization_id=self.instance.organization_id, environment=self.instance.environment
            ).order_by("name")
        )

    def clean_brand_hex(self) -> str:
        colour = self.cleaned_data["brand_hex"].lower()
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise forms.ValidationError(_("Write a colour like #4f46e5."))
        return colour


class PictureForm(forms.Form):
    """A site's logo, icon or picture of shared links."""

    kind = forms.ChoiceField(choices=SitePicture.Kind.choices, label=_("Picture"))
    image = forms.FileField(
        label=_("File"),
        help_text=_("PNG, JPEG or WebP, at most 5 MB."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def clean_image(self) -> bytes:
        file: UploadedFile = self.cleaned_data["image"]
        if (file.size or 0) > MAX_PICTURE_BYTES:
            raise forms.ValidationError(_("The picture is larger than 5 MB."))
        return file.read()


class PageForm(forms.ModelForm):
    """A page of a site's own."""

    class Meta:
        model = SitePage
        fields = ("title", "title_he", "slug", "body", "body_he", "in_footer")
        labels = {
            "title": _("Title"),
            "title_he": _("Title in Hebrew"),
            "slug": _("Short name"),
            "body": _("Text"),
            "body_he": _("Text in Hebrew"),
            "in_footer": _("Linked at the foot of every page"),
        }
        help_texts = {
            "slug": _("What its address ends with: terms, privacy, about."),
            "body": _("Markdown: ## for a heading, - for a list, [words](https://…) for a link."),
        }
        widgets = {
            "body": forms.Textarea(attrs={"rows": 12}),
            "body_he": forms.Textarea(attrs={"rows": 12, "dir": "rtl", "lang": "he"}),
            "title_he": forms.TextInput(attrs={"dir": "rtl", "lang": "he"}),
        }


class NavigationForm(forms.Form):
    """An entry of a site's navigation: what it says, and one place it leads to."""

    label = forms.CharField(max_length=40, required=False, label=_("Label"))
    label_he = forms.CharField(
        max_length=40,
        required=False,
        label=_("Label in Hebrew"),
        widget=forms.TextInput(attrs={"dir": "rtl", "lang": "he"}),
    )
    target = forms.ChoiceField(required=False, label=_("Leads to"))
    url = forms.CharField(
        max_length=2048, required=False, label=_("Address"), validators=[URLValidator(("http", "https"))]
    )

    def __init__(self, *args: Any, categories: list[str], pages: list[SitePage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [  # type: ignore[attr-defined]
            ("", "—"),
            (_("Categories"), [(f"category:{name}", name) for name in categories]),
            (_("Pages"), [(f"page:{page.id}", page.title) for page in pages]),
            ("address", _("The address beside")),
        ]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("label") and not data.get("target"):
            self.add_error("target", _("Say where it leads."))
        if data.get("target") and not data.get("label"):
            self.add_error("label", _("Say what it is called."))
        if data.get("target") == "address" and not data.get("url") and "url" not in self.errors:
            self.add_error("url", _("Write an address like https://example.com."))
        return data

    def columns(self) -> dict[str, Any] | None:
        """The entry's columns; None for an empty line."""
        data = self.cleaned_data
        kind, _colon, value = data["target"].partition(":")
        if not kind:
            return None
        named = {"kind": kind, "label": data["label"], "label_he": data["label_he"]}
        if kind == NavigationItem.Kind.CATEGORY:
            return named | {"category": value}
        if kind == NavigationItem.Kind.PAGE:
            return named | {"page_id": value}
        return named | {"url": data["url"]}


class DomainForm(forms.Form):
    """A domain to connect."""

    hostname = forms.CharField(
        max_length=253,
        label=_("Domain"),
        widget=forms.TextInput(attrs={"placeholder": "deals.example.com", "autocomplete": "off"}),
    )


class PublishableKeyForm(forms.Form):
    """A key for widgets."""

    client = ClientChoice(
        queryset=ApiClient.objects.none(), label=_("Partner"), help_text=_("Whose campaigns it shows.")
    )
    name = forms.CharField(max_length=120, label=_("Name"), help_text=_("Where it is used."))
    origins = forms.CharField(
        required=False,
        label=_("Origins"),
        help_text=_("One a line, like https://shop.example.com. Browsers on other pages are refused."),
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "placeholder": "https://shop.example.com"}),
    )
    requests_per_minute = forms.IntegerField(
        min_value=1, max_value=100_000, initial=600, label=_("Requests a minute, of all visitors")
    )

    def __init__(self, *args: Any, clients: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if clients is None:
            del self.fields["client"]
        else:
            self.fields["client"].queryset = clients  # type: ignore[attr-defined]

    def clean_origins(self) -> list[str]:
        return self.cleaned_data["origins"].split()
