"""Has imported the product once and forks its processes, which would each import it anew for seconds.

Run as `python -m tests.zygote`; reads an order a line (JSON: a module, its arguments, environment variables)
and answers each with the process's id. Opens no connection and starts no thread, for a fork loses those. The
environment is read as settings load: each needs a zygote of its own, except for what `_addressed` can change.
"""

import gc
import json
import os
import runpy
import signal
import sys
from contextlib import suppress


def _import() -> None:
    # what the commands load before their first connection
    import celery.apps.beat  # noqa: PLC0415
    import celery.apps.worker  # noqa: PLC0415
    import celery.bin.celery  # noqa: PLC0415
    import celery.concurrency.prefork  # noqa: F401, PLC0415
    import granian.cli  # noqa: F401, PLC0415
    import kombu.transport.redis  # noqa: F401, PLC0415

    from config.celery import app  # noqa: PLC0415

    app.loader.import_default_modules()  # sets Django up, too
    import config.api.gateway  # noqa: PLC0415
    import config.scheduler  # noqa: PLC0415
    import config.urls  # noqa: F401, PLC0415
    import credentials.middleware  # noqa: F401, PLC0415
    import rewards.door  # noqa: F401, PLC0415

    gc.collect()
    gc.freeze()  # or each child's first collection would copy all of it


def _addressed(url: str) -> None:
    """Settings as they would have loaded with another HUB_URL: each web process has a port of its own."""
    from django.conf import settings  # noqa: PLC0415

    settings.HUB_URL = url
    settings.OAUTH2_PROVIDER["OIDC_ISS_ENDPOINT"] = url


def _bury(*_: object) -> None:
    """Take leave of whoever has ended, so that their time is counted with ours."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _ordered() -> list[str]:
    """Fork for each order that comes; returns in the child only, with its command."""
    signal.signal(signal.SIGCHLD, _bury)
    for line in sys.stdin:
        if os.fork() == 0:
            order = json.loads(line)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.environ.clear()
            os.environ.update(order["environment"])
            _addressed(os.environ.get("HUB_URL", "http://127.0.0.1:8000"))
            os.write(1, b"%d\n" % os.getpid())
            silence = os.open(os.devnull, os.O_RDWR)
            for standard in range(3):
                os.dup2(silence, standard)
            return order["command"]
    os._exit(0)


if __name__ == "__main__":
    _import()
    module, *sys.argv[1:] = _ordered()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
