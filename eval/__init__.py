"""Is it right? Datasets, tasks, metrics and runs that measure the very pipeline the service runs.

``eval`` stands on ``service``, never the other way: only the doors know that it exists.
"""
