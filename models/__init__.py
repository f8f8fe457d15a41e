"""Contracts that every layer shares: table columns, manifests, configuration and errors.

Standard library and Pydantic only. Nothing here reads a file or runs a query.
"""
