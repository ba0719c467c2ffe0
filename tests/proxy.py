"""A unix socket that passes everything on to a server and counts the messages of its clients."""

import os
import socket
import tempfile
import threading
from pathlib import Path


class CountingProxy:
    """Listens at `path`. A message is what a client sends between two answers: a round trip."""

    def __init__(self, target: str, *, name: str) -> None:
        self.round_trips = 0
        self.path = Path(tempfile.mkdtemp(prefix="hub-proxy-")) / name
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> "CountingProxy":
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.path.unlink()
        self.path.parent.rmdir()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            for source, sink, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, counted), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(65536):
                self.round_trips += counted
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def postgres_socket(host: str) -> str:
    """The socket of a server whose directory is `host`."""
    return os.path.join(host, ".s.PGSQL.5432")
