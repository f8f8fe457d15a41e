"""Larkspur Desk, an invented support assistant: its traffic, bills, telemetry and true costs."""
