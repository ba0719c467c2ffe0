"""`hub` as a shell runs it: in this process, or as one of its own."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Hub:
    """`manage.py hub` in this process."""

    def __init__(self, capsys: Any) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: Any) -> Ran:
        code = 0
        self._capsys.readouterr()
        try:
            call_command("hub", *map(str, arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)


def process(*arguments: Any, **environment: str) -> subprocess.Popen[str]:
    """One that Ctrl-C ends, also where these tests run in a shell's background, which ignores it."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "hub", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def shell(*arguments: Any, **environment: str) -> Ran:
    """A process of its own, without a terminal."""
    run = process(*arguments, **environment)
    out, err = run.communicate(timeout=120)
    return Ran(run.returncode, out, err)


def on_a_terminal(*arguments: Any, **environment: str) -> str:
    """What a person at a terminal of 120 columns sees."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "manage.py", "hub", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=settings.BASE_DIR,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"} | environment,
        close_fds=True,
    )
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 120)[0]:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    run.wait(timeout=120)
    return seen.decode()
