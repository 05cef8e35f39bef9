"""The configuration: typed models of deployments and collections, their YAML, and the loader that checks both."""
