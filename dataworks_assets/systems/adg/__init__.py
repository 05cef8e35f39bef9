"""ADG, the analytical dataset generation: snapshot exports to Parquet and Hive tables, full and incremental."""
