#!/usr/bin/env python3
"""Send a recorded call in, follow its analysis, print what was found.

    HUB_URL=https://hub.example HUB_KEY=pk_….sk_… HUB_COMPANY_ID=… python examples/analyze_call.py call.wav

Needs nothing but Python. With HUB_WEBHOOK_URL the result is posted there as well, which examples/receiver.py
verifies.
"""

import base64
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

API = os.environ["HUB_URL"].rstrip("/") + "/api/partner/v1"
ENDED = {"completed", "failed", "canceled"}


def call(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """One request. What is over a limit (429) or down for a moment (503) is asked again when it says."""
    data = None if body is None else json.dumps(body).encode()
    given = {"x-partner-api-key": os.environ["HUB_KEY"], "Content-Type": "application/json", **headers}
    while True:
        request = urllib.request.Request(API + path, data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{error.code} {error.read().decode()}") from error
            time.sleep(float(error.headers.get("Retry-After", 1)))


def main() -> None:
    audio = Path(sys.argv[1]).read_bytes()
    body = {
        "audio_file": base64.b64encode(audio).decode(),
        "company_id": os.environ["HUB_COMPANY_ID"],
        "call_type": "support",
        "webhook_url": os.environ.get("HUB_WEBHOOK_URL", ""),
    }
    # the same recording sent twice is one job
    key = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    job = call("POST", "/calls/analyze", body, **{"Idempotency-Key": key})
    print(f"{job['job_id']}: {job['message']}, about {job['estimated_time']}")
    while (status := call("GET", f"/jobs/{job['job_id']}/status"))["status"] not in ENDED:
        time.sleep(1)
    if status["status"] != "completed":
        raise SystemExit(f"{status['status']}: {status['error']}")
    print("score:", status["results"]["overall_score"])
    for turn in status["results"]["transcript"]["segments"]:
        print(f"{turn['start']:7.1f} s  {turn['role']}: {turn['text']}")


main()
