"""A collector of traces: OTLP over HTTP, as OpenTelemetry's exporter sends it, read by its own types."""

import gzip
import http.server
import threading
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Span:
    """One span as it arrived."""

    def __init__(self, sent, service):
        self.name = sent.name
        self.kind = sent.kind
        self.trace_id = sent.trace_id.hex()
        self.span_id = sent.span_id.hex()
        self.parent_id = sent.parent_span_id.hex()
        self.began, self.ended = sent.start_time_unix_nano, sent.end_time_unix_nano
        self.failed = sent.status.code == 2
        self.service = service
        self.attributes = {
            one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
            for one in sent.attributes
        }


class Collector:
    """Takes spans at `url` for as long as the block runs."""

    def __init__(self):
        self.spans = []
        self.headers = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.headers.append(dict(self.headers))
                collector.take(ExportTraceServiceRequest.FromString(body))
                reply = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def take(self, request):
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [Span(sent, named["service.name"]) for sent in scope.spans]

    def named(self, name, trace_id=None):
        return [one for one in self.spans if one.name == name and trace_id in (None, one.trace_id)]

    def paths(self, trace_id):
        """What is in a trace: each span by the names that lead to it, as they began."""
        spans = {one.span_id: one for one in self.spans if one.trace_id == trace_id}

        def path(one):
            above = spans.get(one.parent_id)
            return one.name if above is None else f"{path(above)} > {one.name}"

        return [path(one) for one in sorted(spans.values(), key=lambda one: one.began)]

    def wait(self, ready, seconds=20):
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, [one.name for one in self.spans]
            time.sleep(0.05)
