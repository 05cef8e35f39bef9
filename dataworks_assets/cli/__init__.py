"""The `dataworks` command: one module per subject. Commands only parse their input and show results; the work is elsewhere."""
