import socket
import threading

import pytest
from pymetastore.hive_metastore import ttypes

from spark.contract import CatalogSettings
from spark.errors import CatalogError, ConfigurationError
from spark.publish.catalogs import open_catalog
from spark.publish.hive import HiveCatalog
from spark.publish.hive_client import MetastoreClient


@pytest.fixture
def silent():
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"thrift://127.0.0.1:{server.getsockname()[1]}"


class Relay:
    """Stands between client and metastore; `cut` breaks the connections there are."""

    def __init__(self, uri):
        self._target = ("127.0.0.1", int(uri.rpartition(":")[2]))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.uri = f"thrift://127.0.0.1:{self._server.getsockname()[1]}"
        self._pairs = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self.connections += 1
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return

    def cut(self):
        for end in self._pairs:
            end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs = []

    def close(self):
        self._server.close()


@pytest.fixture
def relay(stack):
    found = Relay(stack.metastore_uri)
    yield found
    found.close()


def test_a_metastore_that_is_not_there_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"thrift://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(CatalogError, match=rf"adg.t in {uri}: the metastore does not answer.*Check that") as caught:
        HiveCatalog(uri, timeout_seconds=1).describe("adg", "t")
    assert caught.value.transient


def test_a_call_ends_with_its_time_out(silent):
    with pytest.raises(CatalogError, match=r"timeout|timed out") as caught:
        HiveCatalog(silent, timeout_seconds=0.2).describe("adg", "t")
    assert caught.value.transient


def test_the_settings_time_out_is_the_catalogs(silent):
    with pytest.raises(CatalogError):
        open_catalog(CatalogSettings(uri=silent, timeout_seconds=0.2)).tables("adg")


@pytest.mark.parametrize("uri", ["", "http://host:9083", "host:9083"])
def test_an_address_that_is_none_is_refused(uri):
    with pytest.raises(ConfigurationError, match="not the address of a metastore"):
        HiveCatalog(uri).tables("adg")


def test_a_catalog_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="'paper'"):
        open_catalog(CatalogSettings(kind="paper"))


def test_making_a_catalog_connects_to_nothing():
    open_catalog(CatalogSettings(uri="thrift://nowhere.invalid:9083"))


def test_the_next_address_is_tried_where_one_is_dead(stack):
    catalog = HiveCatalog(f"thrift://127.0.0.1:1,{stack.metastore_uri}", timeout_seconds=20)
    assert catalog.describe("default", "nothing") is None


def test_one_connection_serves_one_call_after_another(relay):
    catalog = HiveCatalog(relay.uri)
    for _ in range(3):
        catalog.tables("default")
    assert relay.connections == 1


def test_a_broken_connection_is_made_anew_for_a_read(relay):
    catalog = HiveCatalog(relay.uri)
    catalog.tables("default")
    relay.cut()
    catalog.tables("default")
    assert relay.connections == 2


def test_a_broken_connection_leaves_a_changes_outcome_open(relay, database):
    client = MetastoreClient(relay.uri, timeout_seconds=20)
    client.read("get_all_databases", where="all")
    relay.cut()
    with pytest.raises(CatalogError) as caught:
        client.write("create_database", ttypes.Database(name=database), where=database)
    assert caught.value.transient


def test_what_the_metastore_refuses_is_final_and_keeps_the_connection(relay):
    client = MetastoreClient(relay.uri, timeout_seconds=20)
    for _ in range(2):
        with pytest.raises(CatalogError, match=r"get_table was refused: .*nothing") as caught:
            client.read("get_table", "default", "nothing", where="default.nothing")
        assert not caught.value.transient
    assert relay.connections == 1
