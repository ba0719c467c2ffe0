#!/usr/bin/env python3
"""A local stand-in for Trackier's publisher API, to try the catalogue without a network.

    python examples/trackier_server.py --port 8099 --key demo-key

It answers as Trackier's OpenAPI document says (github.com/trackier/perf-pub-api-docs, v2): pages of
`GET /v2/publisher/campaigns`, `GET /v2/publishers/profile`, the key in `X-Api-Key` (or `apiKey`), 400 for a
wrong one, and at most 5 requests a second, beyond which it answers 429. `GET /click` is the tracking link: it
redirects to the campaign's site. `POST /_control` switches it while it runs: `{"outage": true}` answers 503
to everything, `{"campaigns": [...]}` replaces the catalogue, `{"rate": 0}` lifts the limit.

Standard library only.
"""

import argparse
import json
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DEFAULT_LIMIT = 1000


def campaign(number, title, *, host, model="cps", payout=5.0, currency="USD", category="Fashion", **more):
    """A campaign in the shape of `PublisherCampaign`."""
    return {
        "id": number,
        "title": title,
        "description": f"<p>{title}</p>",
        "kpi": None,
        "currency": currency,
        "categories": [category],
        "preview_url": f"https://www.{host}/",
        "model": model,
        "device": ["all"],
        "flow": None,
        "os": ["all"],
        "os_version": None,
        "app_id": None,
        "app_name": None,
        "tracking_link": f"https://demo.gotrackier.example/click?campaign_id={number}&pub_id=77"
        "&p1={your-transaction-id}&source={your-sub-aff-id}",
        "impressionUrl": f"https://demo.gotrackier.example/imp?campaign_id={number}&pub_id=77",
        "bot_check_url": None,
        "countries": ["ALL"],
        "isps": [],
        "citiesInclude": [],
        "citiesExclude": [],
        "defaultGoal": "Sale",
        "payouts": [{"payout": payout, "geo": ["ALL"], "city": [], "region": []}],
        "goals": [],
        "creatives": [],
        "cap": {"type": "conversion", "daily": 0, "monthly": 0, "lifetime": 0},
        "landingPage": [],
    } | more


def demo_campaigns(base="http://127.0.0.1:8099", images="http://127.0.0.1:8000/static/demo"):
    """The campaigns of trackier_campaigns.json; links lead to `base`, pictures lie at `images`."""
    text = Path(__file__).with_name("trackier_campaigns.json").read_text(encoding="utf-8")
    return json.loads(text.replace("{base}", base).replace("{images}", images))


class TrackierNetwork:
    """What the server knows. All of it may be changed while it serves."""

    def __init__(self, campaigns=None, *, key="demo-key", rate=5):
        self.campaigns = demo_campaigns() if campaigns is None else campaigns
        self.key, self.rate = key, rate
        self.outage = False
        # The next answers, each (status, headers, body bytes), before the usual ones.
        self.interludes = deque()
        self.requests, self.clicks = [], []
        self._lock, self._recent = threading.Lock(), deque()

    def answer(self, method, target, headers, body=b""):
        """(status, headers, body) of a request."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/_control":
            return self._control(method, body)
        with self._lock:
            self.requests.append(target)
            if self.interludes:
                return self.interludes.popleft()
        if self.outage:
            return 503, {}, b"<html>Service Unavailable</html>"
        if path == "/click":
            return self._click(query)
        if (headers.get("X-Api-Key") or query.get("apiKey", [""])[0]) != self.key:
            message = "API Key supplied with the request is invalid. Please cross verify the API Key!"
            return _json(400, {"success": False, "error": {"code": 102, "message": message}})
        if not self._admitted():
            error = {"success": False, "error": {"code": 429, "message": "Too many requests"}}
            return _json(429, error, {"Retry-After": "1"})
        if path == "/v2/publisher/campaigns":
            return self._campaigns(query)
        if path == "/v2/publishers/profile":
            profile = {"id": "77", "name": "Demo Publisher", "email": "publisher@hub.example"}
            return _json(200, {"profile": profile | {"phone": "", "status": "active", "company": ""}})
        return _json(404, {"success": False, "error": {"code": 404, "message": "Resource Not Found"}})

    def _campaigns(self, query):
        try:
            page = max(1, int(query.get("page", ["1"])[0]))
            limit = max(1, int(query.get("limit", [str(DEFAULT_LIMIT)])[0]))
        except ValueError:
            return _json(400, {"success": False, "error": {"code": 13, "message": "Invalid parameter"}})
        found = list(self.campaigns)
        rows = found[(page - 1) * limit : page * limit]
        return _json(200, {"success": True, "data": {"campaigns": rows, "page": page, "count": len(found)}})

    def _click(self, query):
        number, click = query.get("campaign_id", [""])[0], query.get("p1", [""])[0]
        site = next((one["preview_url"] for one in self.campaigns if str(one["id"]) == number), None)
        if site is None:
            return _json(404, {"success": False, "error": {"code": 404, "message": "Resource Not Found"}})
        with self._lock:
            self.clicks.append({"campaign_id": number, "p1": click})
        return 302, {"Location": f"{site}?click_id={click}"}, b""

    def _control(self, method, body):
        if method == "POST":
            for name, value in json.loads(body or b"{}").items():
                if name in ("campaigns", "key", "rate", "outage"):
                    setattr(self, name, value)
        state = {"outage": self.outage, "rate": self.rate, "campaigns": len(self.campaigns)}
        return _json(200, state | {"requests": len(self.requests), "clicks": self.clicks[-100:]})

    def _admitted(self):
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] < now - 1:
                self._recent.popleft()
            if self.rate and len(self._recent) >= self.rate:
                return False
            self._recent.append(now)
            return True


def _json(status, body, headers=None):
    return status, {"Content-Type": "application/json"} | (headers or {}), json.dumps(body).encode()


@contextmanager
def serve(network, *, port=0):
    """Serve a network on this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _send(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, answer = network.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _send

        def log_message(self, *arguments):
            """Quiet: the hub's own log says what it asked."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--key", default="demo-key")
    parser.add_argument("--rate", type=int, default=5, help="requests a second; 0 is no limit")
    parser.add_argument("--campaigns", help="a JSON file: a list of campaigns")
    parser.add_argument("--images", default="http://127.0.0.1:8000/static/demo", help="where pictures lie")
    arguments = parser.parse_args()
    campaigns = demo_campaigns(f"http://127.0.0.1:{arguments.port}", arguments.images)
    if arguments.campaigns:
        with open(arguments.campaigns, encoding="utf-8") as file:
            campaigns = json.load(file)
    network = TrackierNetwork(campaigns, key=arguments.key, rate=arguments.rate)
    with serve(network, port=arguments.port) as url:
        print(f"Trackier's publisher API, locally: {url} (key {arguments.key})", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
