"""A sample export, written as the producer writes one: for demos, tests and benchmarks. Nothing here reads an export."""
