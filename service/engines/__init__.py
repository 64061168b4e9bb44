"""Engines: what extracts claims and assesses them, behind the protocol in ``service.types``."""
