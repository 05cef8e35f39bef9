"""The kernel: an encrypted file's bytes in, Arrow batches and quarantined lines out. Knows no object store and no Spark."""
