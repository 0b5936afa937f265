"""Sealing of objects: pure functions over bytes. The format is written down in FORMAT.md."""
