"""Pictures of items, made small and harmless before they are kept."""

import io

from django.db import transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from config.api.exceptions import ValidationFailed
from partners.services.audit import Actor, audit_record
from rentals.models import Item, ItemImage

MAX_IMAGES = 8
_SIDE = 1200
_MAX_PIXELS = 50_000_000


@transaction.atomic
def image_add(*, item: Item, content: bytes, actor: Actor) -> ItemImage:
    """Keep a picture as WebP of at most 1200 pixels a side, without what cameras write into files.

    Raises ValidationFailed (400) for what is no PNG, JPEG or WebP, and for a ninth picture.
    """
    Item.objects.select_for_update(no_key=True, of=("self",)).get(id=item.id)
    if item.images.count() >= MAX_IMAGES:
        raise ValidationFailed("An item has eight pictures at most.")
    picture = _read(content)
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=80)
    image = ItemImage.objects.create(
        organization_id=item.organization_id,
        environment=item.environment,
        item=item,
        content=target.getvalue(),
        width=picture.width,
        height=picture.height,
    )
    _audit(image, "item.image_add", actor)
    return image


@transaction.atomic
def image_remove(*, image: ItemImage, actor: Actor) -> None:
    """Remove a picture; its address answers 404 from then on."""
    _audit(image, "item.image_remove", actor)
    image.delete()


def _read(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
            # judged before a pixel is unpacked
            if picture.width * picture.height > _MAX_PIXELS:
                raise ValidationFailed("The picture has too many pixels.")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationFailed("Send a PNG, JPEG or WebP picture.") from error
    upright.thumbnail((_SIDE, _SIDE))
    return upright


def _audit(image: ItemImage, action: str, actor: Actor) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=image,
        organization_id=image.organization_id,
        after={"item": str(image.item_id)},
    )
