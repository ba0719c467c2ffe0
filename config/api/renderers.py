"""JSON out: orjson, UTC times with Z."""

from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class JSONRenderer(BaseRenderer):
    """Render UTF-8 JSON; datetimes as ISO 8601 UTC with Z, UUIDs and lazy text as strings."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, media_type: str | None = None, context: Any = None) -> bytes:
        return b"" if data is None else dumps(data)


def dumps(data: Any) -> bytes:
    """`data` as JSON bytes in the wire's form."""
    return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
