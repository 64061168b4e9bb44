"""The embedded engine: grammar, comparison of facts and packaged models; no network."""
