"""Parts that Dagster's own set-up in production names (`production/dagster.yaml`); the code location knows none of them."""
