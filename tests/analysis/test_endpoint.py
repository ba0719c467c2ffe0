"""Transcription by an OpenAI-compatible endpoint: a real HTTP server that answers as such ones do."""

import email.parser
import email.policy
import io
import json
import threading
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from jobs.analysis.engines import endpoint, engine_of
from jobs.analysis.errors import AnalysisError, EngineTrouble
from jobs.analysis.settings import AnalysisSettings

ANSWER = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.0,
    "text": "Good morning.",
    "segments": [{"id": 0, "start": 0.0, "end": 2.0, "text": " Good morning.", "avg_logprob": -0.105}],
    "words": [{"word": "Good", "start": 0.1, "end": 0.4}, {"word": " morning.", "start": 0.5, "end": 0.9}],
}


@pytest.fixture
def served(settings):
    """An endpoint that gives these answers in turn, and what it was asked."""
    settings.OUTBOUND_ALLOW_LOOPBACK = True
    answers, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
            parts = [
                (p.get_param("name", header="content-disposition"), p.get_content())
                for p in form.iter_parts()
            ]
            asked.append((self.path, self.headers.get("Authorization"), parts))
            status, answer = answers.pop(0)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield url, answers, asked
    server.shutdown()
    server.server_close()


def transcribe(url, tmp_path, seconds=2.0, language=None):
    engine = engine_of(AnalysisSettings(tmp_path, endpoint_url=url, endpoint_key="sk-1", endpoint_model="m"))
    seen = []
    heard = engine.transcribe(
        np.zeros(int(16_000 * seconds), np.float32), language=language, progress=seen.append
    )
    return heard, seen


def test_it_is_asked_as_openai_is_and_its_words_are_taken(served, tmp_path):
    url, answers, asked = served
    answers.append((200, ANSWER))
    heard, seen = transcribe(url, tmp_path)
    assert [(word.word, word.start, word.end, word.confidence) for word in heard.words] == [
        ("Good", 0.1, 0.4, 0.9),
        ("morning.", 0.5, 0.9, 0.9),
    ]
    assert (heard.language, seen) == ("en", [2.0])
    ((path, key, parts),) = asked
    assert (path, key) == ("/v1/audio/transcriptions", "Bearer sk-1")
    given = dict(parts)
    assert (given["model"].strip(), given["response_format"].strip()) == ("m", "verbose_json")
    assert [value.strip() for name, value in parts if name == "timestamp_granularities[]"] == [
        "word",
        "segment",
    ]
    with wave.open(io.BytesIO(given["file"])) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (16_000, 32_000, 1)


def test_a_long_recording_is_sent_in_pieces_whose_times_go_on(served, tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint, "_PIECE_S", 1)
    url, answers, asked = served
    answers += [(200, ANSWER), (200, ANSWER | {"language": "xx"})]
    heard, _ = transcribe(url, tmp_path)
    assert [word.start for word in heard.words] == [0.1, 0.5, 1.1, 1.5]
    assert dict(asked[1][2])["language"].strip() == "en", "the first piece decides"


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code"),
    [
        (503, {}, EngineTrouble, "engine_unavailable"),
        (429, {}, EngineTrouble, "engine_unavailable"),
        (401, {}, AnalysisError, "engine_refused"),
        (200, b"<html>", AnalysisError, "engine_refused"),
        (200, [], AnalysisError, "engine_refused"),
        (200, {"text": "Good morning.", "language": "english"}, AnalysisError, "engine_refused"),
        (200, {"words": [{"word": "Good"}]}, AnalysisError, "engine_refused"),
    ],
)
def test_what_is_no_transcript_has_a_clear_code(served, tmp_path, status, answer, kind, code):
    url, answers, _ = served
    answers.append((status, answer))
    with pytest.raises(AnalysisError) as refused:
        transcribe(url, tmp_path)
    assert (type(refused.value), refused.value.code) == (kind, code)


def test_nobody_there_is_trouble_that_may_pass(settings, tmp_path):
    settings.OUTBOUND_ALLOW_LOOPBACK = True
    with pytest.raises(EngineTrouble):
        transcribe("http://127.0.0.1:9/v1", tmp_path)


def test_silence_is_no_words(served, tmp_path):
    url, answers, _ = served
    answers.append((200, {"text": "", "language": "english", "words": []}))
    assert transcribe(url, tmp_path)[0].words == []
