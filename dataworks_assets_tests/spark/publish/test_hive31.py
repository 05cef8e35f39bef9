"""What the suites run over as `hive31` is Hive 3.1, with EMR's setting of what a column may become."""

import pytest

from dataworks_assets.stack.metastore import connect

pytestmark = pytest.mark.hive31


def test_it_is_hive_3(hive31_uri):
    with connect(hive31_uri) as client:
        assert client.get_catalogs().names == ["hive"]


def test_it_refuses_changes_of_columns_as_emr_does(hive31_uri):
    with connect(hive31_uri) as client:
        assert client.get_config_value("metastore.disallow.incompatible.col.type.changes", "unknown") == "true"
