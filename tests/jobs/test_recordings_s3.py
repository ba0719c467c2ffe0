"""Recordings in a bucket, by configuration: a real S3 client, against a small server that keeps objects."""

import re
from email.utils import format_datetime
from xml.sax.saxutils import escape

import environ
import pytest
from django.utils import timezone
from werkzeug import Request, Response

from config.storage import recordings_storage
from jobs import recordings
from tests.factories import make_organization

AUDIO = b"RIFF....WAVEfmt "


class Bucket:
    """Objects of one bucket by their keys, and the requests that came, as S3 answers them."""

    def __init__(self):
        self.objects, self.signed = {}, []

    def answer(self, request: Request) -> Response:
        self.signed.append(request.headers.get("Authorization", ""))
        key = request.path.removeprefix("/calls").lstrip("/")
        if not key:
            return self._listing(request.args.get("prefix", ""), request.args.get("delimiter", ""))
        if request.method == "PUT":
            self.objects[key] = request.get_data()
            return Response(headers={"ETag": '"1"'})
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return Response(status=204)
        if key not in self.objects:
            code = "" if request.method == "HEAD" else "<Error><Code>NoSuchKey</Code></Error>"
            return Response(code, 404, content_type="application/xml")
        modified = format_datetime(timezone.now(), usegmt=True)
        return Response(self.objects[key], headers={"ETag": '"1"', "Last-Modified": modified})

    def _listing(self, prefix: str, delimiter: str) -> Response:
        below = [key for key in self.objects if key.startswith(prefix)]
        folders = {prefix + rest.split("/")[0] + "/" for key in below if "/" in (rest := key[len(prefix) :])}
        files = [key for key in below if "/" not in key[len(prefix) :]]
        rows = "".join(f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in folders)
        rows += "".join(f"<Contents><Key>{escape(f)}</Key></Contents>" for f in files)
        return Response(f"<ListBucketResult>{rows}</ListBucketResult>", content_type="application/xml")


@pytest.fixture
def bucket(httpserver, settings, monkeypatch, tmp_path):
    bucket = Bucket()
    httpserver.expect_request(re.compile("/calls.*")).respond_with_handler(bucket.answer)
    for name, value in {
        "RECORDINGS_S3_BUCKET": "calls",
        "RECORDINGS_S3_ENDPOINT_URL": httpserver.url_for("/").rstrip("/"),
        "RECORDINGS_S3_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = settings.STORAGES | {"recordings": recordings_storage(environ.Env(), tmp_path)}
    return bucket


def test_recordings_lie_sealed_in_a_bucket(bucket):
    call_id = make_organization().id
    name = recordings.recording_save(call_id=call_id, content=AUDIO)
    ((key, stored),) = bucket.objects.items()
    assert key == f"recordings/{name}"
    assert AUDIO not in stored
    assert all("AKIATEST" in signature and "eu-central-1" in signature for signature in bucket.signed)
    assert recordings.recording_read(call_id=call_id, name=name) == AUDIO
    # a second attempt's recording does not replace the first's
    second = recordings.recording_save(call_id=call_id, content=b"other")
    assert {key for _, key in next(recordings.recordings_stored())} == {name, second}
    assert (timezone.now() - recordings.recording_stored_at(name=name)).total_seconds() < 60
    for _ in range(2):
        recordings.recording_delete(name=name)
    assert list(bucket.objects) == [f"recordings/{second}"]
    with pytest.raises(FileNotFoundError):
        recordings.recording_read(call_id=call_id, name=name)
