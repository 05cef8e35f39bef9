"""How finished data becomes and stays visible: files, manifests, leases, the catalog. No decoding, no Spark."""
