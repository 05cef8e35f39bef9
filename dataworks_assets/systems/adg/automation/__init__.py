"""What starts and watches ADG automatically: the inbox and its sensor, catch-up, schedule, alarm and reconciliation.

`build.build_automation` hands all of it to the code location. Nothing here reads data or decides what is published:
sensors request runs, and each run makes its own plan.
"""
