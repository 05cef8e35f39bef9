"""Where jobs run: one interface, an engine a place. What a job does belongs to `spark`, what should exist to `systems`."""
