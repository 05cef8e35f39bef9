"""What the rest of the organisation reads about runs: notices. Written at least once, never read back to decide anything."""
