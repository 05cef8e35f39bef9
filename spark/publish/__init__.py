"""How finished data becomes visible, and stays so: files, manifests, leases, the catalog. No decoding, no Spark."""
