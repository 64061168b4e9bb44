"""HTTP servers on this machine, for what fetches or asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

Answer = Callable[[BaseHTTPRequestHandler], None]


class Quiet(BaseHTTPRequestHandler):
    """A handler that reports nothing and can answer in one line."""

    def answer(self, body: bytes, kind: str, status: int = 200) -> None:
        """Send a whole answer of a content type."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[Quiet], tls: SSLContext | None = None) -> Iterator[int]:
    """Serve on a free port of the loopback address, which is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # a client may go away, or refuse the certificate
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Site:
    """A server whose paths answer as they are told."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def says(self, body: bytes, path: str = "/", status: int = 200, **headers: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.answers[path] = answer
        return self.url(path)

    def keeps(self, body: bytes, path: str = "/", kind: str = "", **validators: str) -> str:
        """An address that answers 304 to who shows it one of its validators."""
        shown = {"ETag": "If-None-Match", "Last_Modified": "If-Modified-Since"}

        def answer(request: BaseHTTPRequestHandler) -> None:
            same = any(request.headers[shown[name]] == value for name, value in validators.items())
            request.send_response(304 if same else 200)
            for name, value in validators.items():
                request.send_header(name.replace("_", "-"), value)
            if kind:
                request.send_header("Content-Type", kind)
            request.send_header("Content-Length", "0" if same else str(len(body)))
            request.end_headers()
            request.wfile.write(b"" if same else body)

        self.answers[path] = answer
        return self.url(path)

    def sends(self, *pieces: bytes, path: str = "/", pause: float = 0) -> str:
        """Bytes as they go over the wire, the last one again and again if there is a pause."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            for piece in pieces:
                request.wfile.write(piece)
            while pause and not self.stop.wait(pause):
                request.wfile.write(pieces[-1])

        self.answers[path] = answer
        return self.url(path)


def _not_found(request: BaseHTTPRequestHandler) -> None:
    request.send_response(404)
    request.send_header("Content-Length", "0")
    request.end_headers()


@contextmanager
def open_site(tls: SSLContext | None = None) -> Iterator[Site]:
    site = Site()

    class Handler(Quiet):
        def do_GET(self) -> None:
            site.asked.append((self.path, self.headers["Host"]))
            with suppress(BrokenPipeError, ConnectionResetError):
                site.answers.get(self.path, _not_found)(self)

    with serving(Handler, tls) as site.port:
        try:
            yield site
        finally:
            site.stop.set()
