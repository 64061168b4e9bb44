"""Notes: findings, the citation gate, the basis, and how they are shown."""
