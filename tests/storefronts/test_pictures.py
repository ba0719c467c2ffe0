"""A site's pictures are made small and harmless."""

import io

import pytest
from PIL import Image

from config import tenancy
from config.api.exceptions import ValidationFailed
from storefronts.models import SitePicture
from storefronts.services.sites import picture_remove, picture_set
from tests.factories import ACTOR


def png(width, height):
    kept = io.BytesIO()
    Image.new("RGBA", (width, height), (20, 90, 80, 128)).save(kept, "PNG")
    return kept.getvalue()


def test_a_picture_replaces_the_former_and_fits_its_box(site):
    with tenancy.operator():
        picture_set(site=site, kind="logo", content=png(2000, 300), actor=ACTOR)
        kept = picture_set(site=site, kind="logo", content=png(100, 900), actor=ACTOR)
        assert SitePicture.objects.count() == 1
        assert (kept.width, kept.height) == (18, 160)
        before = site.version
        picture_remove(site=site, kind="logo", actor=ACTOR)
        picture_remove(site=site, kind="logo", actor=ACTOR)
        assert not SitePicture.objects.exists()
        site.refresh_from_db()
        assert site.version == before + 3


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload='alert(1)'/>", b"GIF89a", png(9000, 9000)[:80]],
    ids=["nothing", "drawing", "beginning", "cut off"],
)
def test_what_is_no_picture_is_refused_and_nothing_kept(site, content):
    with tenancy.operator():
        with pytest.raises(ValidationFailed):
            picture_set(site=site, kind="logo", content=content, actor=ACTOR)
        assert not SitePicture.objects.exists()
