"""The Hive metastore: the real Thrift service, from pyspark's own jars, on an embedded Derby database.

Hive 2.3.9 has no option for its listen address: it listens on all of the machine's addresses, without authentication.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pymetastore.hive_metastore import ThriftHiveMetastore
from thrift.protocol import TBinaryProtocol
from thrift.Thrift import TException
from thrift.transport import TSocket, TTransport

from dataworks_assets.stack import object_server, state
from dataworks_assets.stack.service import HOST, Service, Surroundings, write_private

NAME = "metastore"
_MAIN = "org.apache.hadoop.hive.metastore.HiveMetaStore"
_TIMEOUT_MS = 20_000
_CORE_SITE = {
    "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "fs.s3a.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "fs.s3a.endpoint": "${dataworks.s3.endpoint}",
    "fs.s3a.endpoint.region": state.REGION,
    "fs.s3a.path.style.access": "true",
    "fs.s3a.connection.ssl.enabled": "false",
    "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    "fs.s3a.access.key": state.ACCESS_KEY,
    "fs.s3a.secret.key": state.SECRET_KEY,
}


def _url(around: Surroundings) -> str:
    return f"thrift://{HOST}:{around.port(NAME)}"


def _prepare(around: Surroundings) -> None:
    conf = around.directory(NAME) / "conf"
    conf.mkdir(exist_ok=True)
    rows = "".join(f"<property><name>{name}</name><value>{value}</value></property>" for name, value in _CORE_SITE.items())
    write_private(conf / "core-site.xml", f"<configuration>{rows}</configuration>".encode())


def _command(around: Surroundings) -> list[str]:
    import pyspark

    directory = around.directory(NAME)
    properties = {
        "dataworks.s3.endpoint": object_server.SERVICE.url(around),
        "hive.async.log.enabled": "false",
        "hive.metastore.schema.verification": "false",
        "hive.metastore.disallow.incompatible.col.type.changes": "false",
        "datanucleus.schema.autoCreateAll": "true",
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={directory / 'metastore_db'};create=true",
        "derby.stream.error.file": str(directory / "derby.log"),
        "hive.metastore.warehouse.dir": f"file:{around.home / 'warehouse'}",
        "hive.stats.autogather": "false",
        # Direct SQL has ids in its texts, so Derby compiles each one anew: a read then costs four times as much.
        "hive.metastore.try.direct.sql": "false",
        "hive.metastore.try.direct.sql.ddl": "false",
        "java.io.tmpdir": str(directory),
    }
    jars = Path(pyspark.__file__).parent / "jars"
    class_path = f"{directory / 'conf'}:{around.jars_directory}/*:{jars}/*"
    options = [f"-D{name}={value}" for name, value in properties.items()]
    return [
        str(around.java_home / "bin" / "java"),
        "-Xmx512m",
        # For short calls on few cores the optimising compiler and a parallel collector would double the cost.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        *options,
        "-cp",
        class_path,
        _MAIN,
        "-p",
        str(around.port(NAME)),
    ]


@contextmanager
def connect(uri: str) -> Iterator[ThriftHiveMetastore.Client]:
    """Opens a plain Thrift client of a metastore.

    Raises:
        TException, OSError: it does not answer.
    """
    address = urlsplit(uri)
    connection = TSocket.TSocket(address.hostname, address.port)
    connection.setTimeout(_TIMEOUT_MS)
    transport = TTransport.TBufferedTransport(connection)
    transport.open()
    try:
        yield ThriftHiveMetastore.Client(TBinaryProtocol.TBinaryProtocol(transport))
    finally:
        transport.close()


def list_databases(uri: str) -> list[str]:
    """Returns the names of a metastore's databases.

    Raises:
        TException, OSError: it does not answer.
    """
    with connect(uri) as client:
        names: list[str] = client.get_all_databases()
    return names


def _check_ready(around: Surroundings) -> None:
    with socket.create_connection((HOST, around.port(NAME)), timeout=5):
        pass  # asked first because the Thrift client logs an error for every refused connection
    list_databases(_url(around))


SERVICE = Service(
    name=NAME,
    title="Hive metastore",
    port_names=("main",),
    prepare=_prepare,
    command=_command,
    check_ready=_check_ready,
    not_ready=(TException, OSError),
    url=_url,
    bound_to_all=True,
)
