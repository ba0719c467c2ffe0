#!/usr/bin/env python3
"""A webhook receiver of Partner Hub: verifies and prints what came.

    python examples/receiver.py --port 9000 --secret whsec_…   (or HUB_WEBHOOK_SECRET)

During a rotation give both secrets. Needs nothing but Python; `problem()` is the part to take into your own
code.
"""

import argparse
import base64
import binascii
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300
MAX_BODY_BYTES = 20_000_000


def problem(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> str:
    """Why a webhook must not be trusted; "" when one of `secrets` signed it and it is fresh.

    `body` is the raw bytes received; header names are lower-case; secrets are the texts as shown (whsec_…).
    """
    at = headers.get("webhook-timestamp", "")
    message = f"{headers.get('webhook-id', '')}.{at}.".encode() + body
    sent = headers.get("webhook-signature", "").encode().split()
    mine = [hmac.digest(_key(secret), message, "sha256") for secret in secrets]
    right = [b"v1," + base64.b64encode(signature) for signature in mine]
    if not any(hmac.compare_digest(one, another) for one in right for another in sent):
        return "webhook-signature is wrong"
    if abs(time.time() - int(at)) > TOLERANCE_S:
        return "the webhook is too old: it may be a replay"
    return ""


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:  # the hub's own WEBHOOK_SECRET may be any text
        return secret.encode()


def body_is_signed(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """The other scheme, X-Partner-Signature: it covers the body alone, and so cannot tell a replay."""
    sent = headers.get("x-partner-signature", "").encode()
    mine = [hmac.digest(secret.encode(), body, "sha256").hex().encode() for secret in secrets]
    return any(hmac.compare_digest(one, sent) for one in mine)


def show(payload: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Print a webhook for people, a call's transcript as a conversation."""
    name = payload.get("type") or payload.get("job_type", "webhook")
    print(f"\n✔ verified  {name}  {payload.get('status', '')}".rstrip())
    print(f"  id {headers.get('x-webhook-id')}, attempt {headers.get('x-webhook-attempt')}")
    results = payload.get("results")
    transcript = results.get("transcript") if isinstance(results, dict) else None
    if not transcript:
        print(json.dumps(payload, indent=2, ensure_ascii=False))
        return
    print(f"  overall score {results.get('overall_score')}\n")
    segments = transcript.get("segments") if isinstance(transcript, dict) else None
    if not segments:
        print(f"  {transcript.get('text', '') if isinstance(transcript, dict) else transcript}")
    for segment in segments or []:
        speaker = segment.get("role") or segment.get("speaker") or ""
        print(f"  {segment.get('start', 0):7.1f} s  {speaker:<10} {segment.get('text', '').strip()}")


class Handler(BaseHTTPRequestHandler):
    """Answers 204 to a verified webhook, 401 to any other."""

    secrets: Sequence[str] = ()
    once = False

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return self.answer(413)
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        wrong = problem(body, headers, self.secrets)
        if wrong:
            print(f"✘ refused: {wrong}", file=sys.stderr)
            return self.answer(401)
        self.answer(204)
        show(json.loads(body), headers)
        if self.once:
            threading.Thread(target=self.server.shutdown).start()
        return None

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Only webhooks are printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Receive and verify Partner Hub webhooks.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secret", action="append", default=os.environ.get("HUB_WEBHOOK_SECRET", "").split())
    parser.add_argument("--once", action="store_true", help="exit after the first verified webhook")
    arguments = parser.parse_args()
    if not all(arguments.secret) or not arguments.secret:
        parser.error("give --secret, or set HUB_WEBHOOK_SECRET")
    Handler.secrets, Handler.once = arguments.secret, arguments.once
    sys.stdout.reconfigure(line_buffering=True)
    with ThreadingHTTPServer((arguments.host, arguments.port), Handler) as server:
        print(f"Listening on http://{arguments.host}:{server.server_port}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
