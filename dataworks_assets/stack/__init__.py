"""The embedded stack for one machine: S3, the other AWS APIs, a Hive metastore, a key service. Nothing is exported here."""
