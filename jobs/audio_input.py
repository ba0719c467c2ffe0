"""Reading `audio_file` of contract B: base64, a data URL or an https URL."""

import base64
import binascii
from dataclasses import dataclass

from config.outbound.policy import url_check

MAX_AUDIO_BYTES = 60_000_000


@dataclass(frozen=True, slots=True)
class AudioInput:
    """Where the audio is: in `content`, or at `url`, which a worker fetches."""

    content: bytes = b""
    url: str = ""


def audio_read(value: str) -> AudioInput:
    """Raises ValueError with a sentence for anything that is neither a URL nor base64 of 1 to 60 MB."""
    if value[:8].lower().startswith(("http://", "https://")):
        url_check(value)
        return AudioInput(url=value)
    if value[:5].lower() == "data:":
        head, separator, value = value.partition(",")
        if not separator or not head.lower().endswith(";base64"):
            raise ValueError("A data URL must be base64 (data:audio/wav;base64,…).")
    if len(value) > MAX_AUDIO_BYTES * 4 // 3 + 4:
        raise ValueError("The recording is larger than 60 MB.")
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("Send the recording as base64, or as an https URL.") from error
    if not content:
        raise ValueError("The recording is empty.")
    return AudioInput(content=content)
