"""The embedded stack for one machine: S3, other AWS APIs, a Hive metastore, a key service. Exports nothing."""
