"""The code location: what should exist. `definitions.py` is what Dagster loads; nothing is built by importing this."""
