"""What the service tells of itself: figures for Prometheus, logs as lines of JSON, traces.

None of them holds a word of a submission: ids, states, durations and counts.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

import structlog
from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_TALKATIVE = ("httpx", "httpx2", "alembic", "chromadb")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160)


class _Totals(Collector):
    """What the database has, as it was last told."""

    def __init__(self) -> None:
        self.known: Mapping[str, Mapping[str, int]] = {}

    def collect(self) -> Iterator[Metric]:
        """See ``Collector``."""
        for kind, counted in self.known.items():
            told = f"{kind.capitalize()}, by state; those queued wait for a worker."
            gauge = GaugeMetricFamily(f"verinote_{kind}", told, labels=["state"])
            for state, count in counted.items():
                gauge.add_metric([state], count)
            yield gauge


class Metrics:
    """The figures of this process, and of the whole desk as the database has them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._totals = _Totals()
        self.registry.register(self._totals)
        self._outcomes = Counter(
            "verinote_claims_ended",
            "Claims that this process ended, by outcome: a verdict, or failed.",
            ["outcome"],
            registry=self.registry,
        )
        self._steps = Histogram(
            "verinote_step_seconds",
            "How long steps of the work took.",
            ["step"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._calls = Histogram(
            "verinote_llm_seconds",
            "How long requests to a language model took, each try by itself.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "verinote_llm_tokens", "Tokens used.", ["kind"], registry=self.registry
        )

    def set_totals(self, totals: Mapping[str, Mapping[str, int]]) -> None:
        """Take over what the database has now: of each kind of thing, how many in each state."""
        self._totals.known = totals

    def claim_ended(self, outcome: str) -> None:
        """Count a claim."""
        self._outcomes.labels(outcome).inc()

    def step_took(self, step: str, seconds: float) -> None:
        """Count a step of the work."""
        self._steps.labels(step).observe(seconds)

    def asked(self, seconds: float, prompt_tokens: int, completion_tokens: int) -> None:
        """Count a request to a language model."""
        self._calls.observe(seconds)
        self._tokens.labels("prompt").inc(prompt_tokens)
        self._tokens.labels("completion").inc(completion_tokens)


METRICS = Metrics()
"""One a process, as its work is."""


_TRACER = trace.get_tracer("verinote")


def span(name: str, **ids: str) -> AbstractContextManager[trace.Span]:
    """A span of a trace; goes nowhere unless ``trace_if_configured`` found where to.

    What an error says is left out: it may quote a text.
    """
    return _TRACER.start_as_current_span(
        name, attributes=ids, record_exception=False, set_status_on_exception=False
    )


def trace_if_configured(process: str) -> None:
    """Send traces where OpenTelemetry's own variables say, if they do.

    Args:
        process: what this process is, as ``api`` or ``worker``.
    """
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not any(os.environ.get(name) for name in names):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    told = Resource.create({"service.name": f"verinote-{process}"})
    provider = TracerProvider(resource=told)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def exposition() -> bytes:
    """The figures in Prometheus' own form."""
    return generate_latest(METRICS.registry)


def log_as_json(level: int = logging.INFO) -> None:
    """Let everything that is logged in this process go to standard error as lines of JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
