"""The reference corpus: official statements in versions, their passages, and the search."""
