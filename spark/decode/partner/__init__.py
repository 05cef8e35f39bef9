"""Decodes partner files (CSV with header, or the documented JSON object) into rows: reading, types, schema evolution."""
