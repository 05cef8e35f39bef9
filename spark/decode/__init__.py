"""The decoding kernel: encrypted bytes in, Arrow batches and quarantined lines out. Knows no object store and no Spark."""
