"""Traces: what is done for a request, as OpenTelemetry's spans, sent to a collector over OTLP.

One span for a request or an attempt of an execution, and one within it for each phase that the code tells of
(`agents.phases`). A request's place in its caller's trace comes with its `traceparent` (W3C Trace Context);
it is written into the events that it leads to, so that an execution goes on in the trace of who asked for it,
whichever process takes it and however much later. Spans are sent by a thread of the exporter's own.
"""

from __future__ import annotations

__all__ = ["Followed", "Tracer"]

import contextlib
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache

from opentelemetry import context as current
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from greenlang import __version__
from greenlang.agents.phases import follow_phases, phases
from greenlang.observing.redaction import redact
from greenlang.observing.trace_settings import TraceSettings

Attributes = Mapping[str, str | int]

_PROPAGATOR = TraceContextTextMapPropagator()


class Tracer:
    """Follows what is done in one process."""

    def __init__(self, settings: TraceSettings) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
            resource=Resource.create({"service.name": settings.service, "service.version": __version__}),
        )
        exporter = OTLPSpanExporter(settings.endpoint, headers=settings.headers or None)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("greenlang", __version__)

    @contextlib.contextmanager
    def follow(
        self, name: str, parent: str | None, attributes: Attributes, *, queued: bool = False
    ) -> Iterator[Followed]:
        """Follow what the block does.

        Parameters
        ----------
        parent : str, optional
            The `traceparent` of whoever asked for it; without one, or with one that is none, a trace begins.
        queued : bool
            Whether it was taken from a queue, and not asked for just now.
        """
        context = current.Context()
        if parent is not None:
            context = _PROPAGATOR.extract({"traceparent": parent}, context)
        span = self._tracer.start_span(name, context, SpanKind.CONSUMER if queued else SpanKind.SERVER)
        followed = Followed(self._tracer, span)
        followed.note(attributes)
        before = phases()
        follow_phases(followed)
        # For libraries that trace by themselves what agents do with them.
        token = current.attach(trace.set_span_in_context(span))
        try:
            yield followed
        except BaseException as error:
            followed.fail(type(error).__name__)
            raise
        finally:
            current.detach(token)
            follow_phases(before)
            followed.end()

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


class Followed:
    """One request or attempt, and the phase that it is in. Phases may be told by any thread of it."""

    def __init__(self, tracer: trace.Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        #: The phases that have begun and not ended, from the outermost.
        self._open: list[tuple[str, Span]] = []
        self._changing = threading.Lock()

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        """16 hex digits, of the phase that it is in."""
        return trace.format_span_id(self._innermost().get_span_context().span_id)

    @property
    def traceparent(self) -> str:
        """What tells others where it is."""
        flags = self._span.get_span_context().trace_flags
        return f"00-{self.trace_id}-{self.span_id}-{flags:02x}"

    def enter(self, *path: str) -> None:
        """Begin a phase, unless it is in it already: those that it is not part of end."""
        if not self._span.is_recording():
            return
        with self._changing:
            kept = 0
            for (name, _), wanted in zip(self._open, path, strict=False):
                if name != wanted:
                    break
                kept += 1
            self._end_beyond(kept)
            for name in path[kept:]:
                context = trace.set_span_in_context(self._innermost())
                self._open.append((name, self._tracer.start_span(name, context)))

    def name(self, name: str) -> None:
        """Say what it is, once that is known."""
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        """Add to what is said of it."""
        if self._span.is_recording():
            self._span.set_attributes({name: _plain(value) for name, value in attributes.items()})

    def fail(self, why: str) -> None:
        """Say that it failed, and so did the phase that it is in."""
        for span in (self._span, self._innermost()):
            span.set_status(Status(StatusCode.ERROR, redact(why)))

    def end(self) -> None:
        """End it, and whatever phase it is in."""
        with self._changing:
            self._end_beyond(0)
            self._span.end()

    def _end_beyond(self, kept: int) -> None:
        while len(self._open) > kept:
            self._open.pop()[1].end()

    def _innermost(self) -> Span:
        return self._open[-1][1] if self._open else self._span


@lru_cache(4096)
def _plain(value: str | int) -> str | int:
    """A value without secrets; most of them come again and again."""
    return redact(value) if isinstance(value, str) else value
