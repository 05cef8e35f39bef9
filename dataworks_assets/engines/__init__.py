"""Where jobs run: one interface, one engine per place. What a job does belongs to `spark`, what should exist to `systems`."""
