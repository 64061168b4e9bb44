"""Verinote: claims of a text, checked against what officials said, word for word."""

import os

# onnxruntime's wheels report each process to their maker unless this is set before they are loaded:
# their ``disable_telemetry_events`` comes after the first report. Nothing leaves this machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
