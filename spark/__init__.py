"""What runs on the cluster: read, decrypt, decode, stage, audit, publish.

Nothing here knows of Dagster beyond dagster-pipes, nor of `dataworks_assets`.
"""
