"""One package per system with its assets, partitions, schedules, sensors and checks; modules here are shared by all systems."""
