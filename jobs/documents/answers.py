"""Documents as answers, for the API and for the dashboard."""

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse

from jobs.documents.report import report_html, report_policy
from jobs.documents.subtitles import srt, vtt
from jobs.models import Job


class _Document(NamedTuple):
    media_type: str
    write: Callable[[Job], str]


DOCUMENTS = {
    "srt": _Document("application/x-subrip; charset=utf-8", lambda job: srt(job.results or {})),
    "vtt": _Document("text/vtt; charset=utf-8", lambda job: vtt(job.results or {})),
    "html": _Document("text/html; charset=utf-8", report_html),
}


def document(job: Job, kind: str) -> HttpResponse:
    """A completed analysis as a file of one of the kinds above; a report is shown, the others are kept."""
    media_type, write = DOCUMENTS[kind]
    response = HttpResponse(write(job), content_type=media_type)
    disposition = "inline" if kind == "html" else "attachment"
    response["Content-Disposition"] = f'{disposition}; filename="call-{job.call_id}.{kind}"'
    if kind == "html":
        response["Content-Security-Policy"] = report_policy()
    return response
