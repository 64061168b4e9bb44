"""Evaluations on the service's durable queue: kept in its database, answered by all its workers."""
