"""The compiled part of decoding: C source, and how Python uses it."""
