"""The `dataworks` command: one module a subject. What a command does is done elsewhere; here it is asked for and shown."""
