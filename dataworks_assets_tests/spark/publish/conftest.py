import pytest

from dataworks_assets.stack.jars import HIVE31
from dataworks_assets.stack.state import default_home
from dataworks_assets_tests.spark.publish.hive31 import running_hive31
from dataworks_assets_tests.spark.publish.sql_worker import running_sql_worker
from dataworks_assets_tests.spark.publish.world import Lake


@pytest.fixture
def lake():
    """A lake in memory, with nothing in it."""
    return Lake()


@pytest.fixture(scope="session")
def hive31_uri(stack, tmp_path_factory):
    """The address of a Hive 3.1 metastore over the stack's object store."""
    with running_hive31(stack, tmp_path_factory.mktemp("hive31"), default_home({}) / HIVE31.folder) as uri:
        yield uri


@pytest.fixture(scope="session")
def hive31_sql(stack, hive31_uri, tmp_path_factory):
    """A Spark session over that metastore."""
    settings = stack.spark_conf() | {
        "spark.hadoop.hive.metastore.uris": hive31_uri,
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
    }
    with running_sql_worker(settings, tmp_path_factory.mktemp("sql") / "log") as worker:
        yield worker
