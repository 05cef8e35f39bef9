"""The compiled reader: C source, and how Python uses it."""
