"""Start one program so that nothing of it outlives its supervisor: `python -m config.embedded.program`.

Ends what a killed supervisor left of the same program, takes the settings that were found out since the
supervisor started, drops to the service user where asked, ties the program's life to its parent's, and
becomes it.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

import psutil

from config.embedded.secrets_file import read

_PR_SET_PDEATHSIG = 1
MARK = "HUB_PROGRAM"


def leftovers(mark: str) -> list[psutil.Process]:
    """Living processes whose mark ends with `mark`, other than ourselves and our ancestors."""
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in spared and process.environ().get(MARK, "").endswith(mark):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def living_in(directory: Path) -> list[psutil.Process]:
    """Living processes that work in `directory`: servers overwrite their environment, mark and all."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(directory):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end(processes: list[psutil.Process], *, grace_s: float = 10) -> None:
    """Ask processes to stop, then make them."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=grace_s)
        if not processes:
            return


def main(mark: str, uid: int, gid: int, stop_signal: int, settings: str, command: list[str]) -> None:
    """Become `command`."""
    end(leftovers(mark))
    os.environ[MARK] = mark
    if settings:
        os.environ.update(read(Path(settings)))
    if uid and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    parent = os.getppid()
    # after the change of user, which clears it
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, stop_signal)
    if os.getppid() != parent:
        sys.exit("The supervisor is gone.")
    os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)


def command_line(
    mark: str,
    command: list[str],
    *,
    uid: int = 0,
    gid: int = 0,
    stop_signal: int = signal.SIGTERM,
    settings: str = "",
) -> list[str]:
    """What starts `command` through this module; `settings` is a file of NAME=value lines."""
    start = [sys.executable, "-m", "config.embedded.program", mark, str(uid), str(gid)]
    return [*start, str(int(stop_signal)), settings, *command]


if __name__ == "__main__":
    _mark, _uid, _gid, _signal, _settings = sys.argv[1:6]
    main(_mark, int(_uid), int(_gid), int(_signal), _settings, sys.argv[6:])
