"""What starts ADG by itself, and what watches it: the inbox and its sensor, catch-up, schedule, alarm and reconciliation.

`build_automation` in `build` gives the code location all of it. Nothing here reads data or decides what is published:
sensors ask for runs, and a run goes by its own plan.
"""
