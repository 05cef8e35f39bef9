"""One package a system: its assets, partitions, schedules, sensors and checks. What systems share stands beside them."""
