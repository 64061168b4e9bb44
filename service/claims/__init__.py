"""Claims: their evidence, the verdict over it, and what the desk remembers of them."""
