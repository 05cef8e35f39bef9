"""What comes in: object names, listings, manifests and data keys of the snapshot export. No decoding, no output."""
