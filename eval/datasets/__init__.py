"""Public claim-verification sets, the seeds, and a newsroom's own claims: a small adapter each."""
