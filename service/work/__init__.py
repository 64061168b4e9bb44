"""Durable work: what was accepted is done once, whatever dies."""
