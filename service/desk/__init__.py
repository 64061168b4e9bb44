"""The desk: where people read, edit and decide, in a browser."""
