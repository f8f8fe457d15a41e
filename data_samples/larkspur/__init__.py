"""Larkspur Desk, an invented support assistant: its traffic, its bills, its telemetry and the true cost of each."""
