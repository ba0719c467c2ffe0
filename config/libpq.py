"""PostgreSQL's answer, for which the interpreter is let go of once: while it is waited for.

psycopg lets go of it around each call of libpq, a dozen times for a few statements, and each time another
thread takes it: under load that costs more than the calls, none of which waits.
"""

import ctypes
import select
import sys
from typing import Any

from psycopg import generators, pq

# the library that psycopg's own C module has loaded
_libpq = ctypes.PyDLL(str(sys.modules[pq.PGconn.__module__].__file__))
_is_busy: Any = _libpq.PQisBusy
_is_busy.argtypes, _is_busy.restype = (ctypes.c_void_p,), ctypes.c_int


def results_read(driver: Any) -> list[Any]:
    """The results of a pipeline that has been sent, to its Sync's.

    Raises psycopg.OperationalError when the connection is lost.
    """
    pgconn, pointer = driver.pgconn, driver.pgconn.pgconn_ptr
    poll = driver.__dict__.get("hub_poll")
    if poll is None:
        poll = driver.__dict__["hub_poll"] = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
    if pgconn.flush():
        driver.wait(generators.send(pgconn))  # more than the socket takes at once
    results = []
    while True:
        while _is_busy(pointer):
            poll.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None:
            results.append(result)
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
        elif pgconn.status == pq.ConnStatus.BAD:
            return results  # no Sync's will come
