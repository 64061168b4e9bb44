"""Verinote: claims of a text, checked against what officials said, word for word."""
