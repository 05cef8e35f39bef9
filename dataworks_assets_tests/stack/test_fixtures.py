"""The shared session really reaches S3 and the metastore."""

from __future__ import annotations

import boto3

from dataworks_assets.stack.state import BUCKETS


def test_spark_writes_a_table_to_s3_that_the_metastore_knows(spark, prefix_uri, database):
    spark.sql(f"CREATE DATABASE {database} LOCATION '{prefix_uri}/{database}'")
    spark.range(3).write.format("parquet").option("path", f"{prefix_uri}/numbers").saveAsTable(f"{database}.numbers")
    assert spark.table(f"{database}.numbers").count() == 3


def test_clients_find_the_stack_by_the_environment(stack):
    assert {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]} >= set(BUCKETS)


def test_an_export_message_arrives_in_the_queue(stack):
    boto3.client("sns").publish(TopicArn=stack.completion_topic_arns["full"], Message="done")
    messages = boto3.client("sqs").receive_message(QueueUrl=stack.message_queue_url, WaitTimeSeconds=2)["Messages"]
    assert "done" in messages[0]["Body"]
