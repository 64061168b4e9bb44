"""``report.html``: a run for people to read, in one file that asks for nothing else."""
