"""A class that makes spans of its own."""

# ruff: noqa: N803 - Seldon's own names


class Spans:
    def predict(self, X, names):
        from opentelemetry import trace

        with trace.get_tracer("mine").start_as_current_span("inside"):
            return X
