"""One entry point a system, and the parts every job is made of: packing, the stage task, the audit, the cluster."""
