"""Traces go where OpenTelemetry's own variables say, without a word of a text."""

from __future__ import annotations

import os
import subprocess
import sys

from servers import Quiet, serving

PROGRAM = """
from opentelemetry import trace
from service.kit.telemetry import span, trace_if_configured
trace_if_configured("worker")
try:
    with span("assess", claim_id="c1"):
        raise ValueError("words of a text")
except ValueError:
    pass
provider = trace.get_tracer_provider()
if hasattr(provider, "shutdown"):
    provider.shutdown()
"""


def traced(**environment: str) -> list[bytes]:
    """What a process sends that makes one span."""
    sent: list[bytes] = []

    class Collector(Quiet):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(b"", "application/x-protobuf")

    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    with serving(Collector) as port:
        given = {name: value.format(port=port) for name, value in environment.items()}
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=clean | given, check=True, capture_output=True
        )
    return sent


def test_a_span_is_sent_with_its_ids_and_without_what_the_error_says() -> None:
    sent = b"".join(traced(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:{port}"))
    assert b"verinote-worker" in sent
    assert b"assess" in sent
    assert b"c1" in sent
    assert b"words of a text" not in sent


def test_without_an_address_nothing_is_sent() -> None:
    assert traced() == []
