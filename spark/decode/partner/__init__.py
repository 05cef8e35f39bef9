"""Partner files (CSV with header, the documented JSON object) into rows: reading, types, evolution. No store, no catalog."""
