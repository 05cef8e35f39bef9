"""The ledger: what others read about runs. Written at least once, and never read back to decide anything."""
