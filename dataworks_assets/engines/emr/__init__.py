"""Jobs on EMR: a cluster per run, or steps on a running cluster. This package uses EMR only through its API."""
