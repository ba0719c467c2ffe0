"""A brand's colour made readable: WCAG 2 contrast, the same sums as widgets/src/core.js."""

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
INK: Colour = (17, 19, 24)
# What text in the brand's colour stands on, in each appearance (static/site/site.css).
LIGHT_GROUNDS: tuple[Colour, ...] = (WHITE, (246, 247, 249))
DARK_GROUNDS: tuple[Colour, ...] = ((18, 20, 25), (27, 30, 37))
_ENOUGH = 4.5


def colour_of(text: str) -> Colour:
    """`#rrggbb` as its three channels. Raises ValueError."""
    if len(text) != 7 or text[0] != "#":
        raise ValueError(text)
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def hex_of(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """WCAG 2's relative luminance, 0 to 1."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """WCAG 2's contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable(colour: Colour, grounds: tuple[Colour, ...], towards: Colour) -> Colour:
    """The colour, with as little of `towards` mixed in as makes it readable on every ground."""
    for step in range(21):
        mixed = _mix(colour, towards, step / 20)
        if all(contrast(mixed, ground) >= _ENOUGH for ground in grounds):
            return mixed
    return towards


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def palette(brand_hex: str) -> dict[str, str]:
    """The custom properties that a brand's colour stands for, without their leading dashes."""
    brand = colour_of(brand_hex)
    on = WHITE if contrast(brand, WHITE) >= min(_ENOUGH, contrast(brand, INK)) else INK
    ground = readable(brand, (on,), INK if on is WHITE else WHITE)
    return {
        "brand": hex_of(ground),
        "on-brand": hex_of(on),
        "brand-deep": hex_of(_mix(ground, INK, 0.35) if on is WHITE else _mix(ground, WHITE, 0.3)),
        "brand-on-light": hex_of(readable(brand, LIGHT_GROUNDS, INK)),
        "brand-on-dark": hex_of(readable(brand, DARK_GROUNDS, WHITE)),
    }
