"""One entry point per system, and the parts that jobs are made of: packing, stage task, audit, cluster."""
