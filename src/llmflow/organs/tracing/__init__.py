"""Adapters of ports/tracing.py, and the bridge from OpenTelemetry to them."""
