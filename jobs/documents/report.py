"""An analysed call as one HTML file that needs nothing else: to read, to print, to keep."""

import base64
import hashlib
from functools import cache
from typing import Any

from django.template.loader import get_template

from jobs.models import Job

_STYLE = "reports/call.css"
_RIGHT_TO_LEFT = {"he", "ar", "fa", "ur", "yi"}


def report_html(job: Job) -> str:
    """The report of a completed analysis; its call, company and agent come loaded."""
    results: dict[str, Any] = job.results or {}
    transcript = results.get("transcript") or {}
    content = results.get("content_analysis") or {}
    language = transcript.get("language") or "en"
    context = {
        "job": job,
        "call": job.call,
        "style": _style(),
        "language": language,
        "direction": "rtl" if language in _RIGHT_TO_LEFT else "ltr",
        "score": content.get("score") or {},
        "overall": results.get("overall_score"),
        "content": content,
        "tone": results.get("tone_analysis") or {},
        "segments": transcript.get("segments", []),
        "doubts": transcript.get("low_confidence", []),
    }
    return get_template("reports/call.html").render(context)


@cache
def report_policy() -> str:
    """The Content-Security-Policy of a report: its own style, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; sandbox"


@cache
def _style() -> str:
    return get_template(_STYLE).render()
