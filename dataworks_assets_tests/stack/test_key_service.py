"""The key service answers as the real one does, to clients with a certificate alone."""

from __future__ import annotations

import base64
import socket
import ssl
import time

import pytest
import requests

from dataworks_assets.stack import key_service
from dataworks_assets.stack.certificates import Certificates, ensure_certificates
from dataworks_assets.stack.key_vault import MASTER_KEY_IDS, KeyVault, RefusedError
from dataworks_assets_tests.stack.key_server import serve


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
def client(server):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(server.certificates.ca)
        session.cert = (str(server.certificates.client), str(server.certificates.client_key))
        yield session
    server.faults = key_service.Faults()


def decrypt(client, server, data_key, **changes):
    call = {"keyId": data_key["dataKeyEncryptionKeyId"], "correlationId": "c1"} | changes
    return client.post(f"{server.url}/datakey/actions/decrypt", params=call, data=data_key["ciphertextDataKey"])


@pytest.fixture
def data_key(client, server):
    answer = client.get(f"{server.url}/datakey", params={"correlationId": "c1"})
    assert answer.status_code == 201
    return answer.json()


def test_a_new_data_key_has_32_bytes(data_key):
    assert len(base64.b64decode(data_key["plaintextDataKey"])) == 32


def test_a_data_key_is_encrypted_under_the_current_master_key(data_key):
    assert data_key["dataKeyEncryptionKeyId"] == "cloudhsm:7,14"


def test_an_encrypted_data_key_is_opened(client, server, data_key):
    answer = decrypt(client, server, data_key)
    assert (answer.status_code, answer.json()["plaintextDataKey"]) == (200, data_key["plaintextDataKey"])


@pytest.mark.parametrize("key_id", ["cloudhsm:9,9", MASTER_KEY_IDS[1], ""])
def test_another_master_key_is_refused(client, server, data_key, key_id):
    assert decrypt(client, server, data_key, keyId=key_id).status_code == 400


@pytest.mark.parametrize("ciphertext", ["", "no base64!", base64.b64encode(b"short").decode(), "A" * 80])
def test_what_is_no_data_key_is_refused(client, server, data_key, ciphertext):
    assert decrypt(client, server, data_key | {"ciphertextDataKey": ciphertext}).status_code == 400


def test_unavailable_as_often_as_asked(client, server, data_key):
    client.put(f"{server.url}/faults", json={"unavailable": 2, "status": 429}).raise_for_status()
    assert [decrypt(client, server, data_key).status_code for _ in range(3)] == [429, 429, 200]


def test_refusing_on_purpose(client, server, data_key):
    client.put(f"{server.url}/faults", json={"refusing": True}).raise_for_status()
    assert decrypt(client, server, data_key).status_code == 400


def test_slow_on_purpose(client, server, data_key):
    client.put(f"{server.url}/faults", json={"slow_seconds": 0.3}).raise_for_status()
    begun = time.monotonic()
    decrypt(client, server, data_key)
    assert time.monotonic() - begun >= 0.3


def test_an_unknown_fault_is_refused(client, server):
    assert client.put(f"{server.url}/faults", json={"slow": 1}).status_code == 400


def test_calls_are_counted(client, server, data_key):
    before = client.get(f"{server.url}/faults").json()["calls"]
    decrypt(client, server, data_key)
    assert client.get(f"{server.url}/faults").json()["calls"] == before + 1


def test_an_unknown_call_is_not_found(client, server):
    assert client.get(f"{server.url}/keys").status_code == 404


def test_a_client_without_certificate_is_turned_away(server):
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/datakey", verify=str(server.certificates.ca))


def test_a_client_of_another_authority_is_turned_away(server, tmp_path):
    stranger = ensure_certificates(tmp_path)
    certificate = (str(stranger.client), str(stranger.client_key))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/datakey", verify=str(server.certificates.ca), cert=certificate)


def test_its_server_certificate_passes_the_strictest_check(server):
    context = ssl.create_default_context(cafile=server.certificates.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(server.certificates.client, server.certificates.client_key)
    with socket.create_connection(server.server_address[:2]) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1"):
        pass


def test_plaintext_keys_never_reach_the_log(client, server, data_key, capfd):
    decrypt(client, server, data_key)
    log = capfd.readouterr().err
    assert "c1" in log
    assert data_key["plaintextDataKey"] not in log
    assert data_key["ciphertextDataKey"] not in log


def test_secrets_are_their_owners_alone(server):
    folder = server.certificates.ca.parent
    assert {path.name for path in folder.iterdir() if path.stat().st_mode & 0o077} == set()


def test_certificates_and_master_keys_are_kept(tmp_path):
    first, vault = ensure_certificates(tmp_path), KeyVault.open(tmp_path)
    before = first.ca.read_bytes()
    assert ensure_certificates(tmp_path).ca.read_bytes() == before
    assert KeyVault.open(tmp_path).keys == vault.keys


def test_a_missing_certificate_makes_all_anew(tmp_path):
    before = ensure_certificates(tmp_path).ca.read_bytes()
    Certificates.within(tmp_path).client.unlink()
    assert ensure_certificates(tmp_path).ca.read_bytes() != before


def test_a_vault_shows_no_key(tmp_path):
    assert "keys" not in repr(KeyVault.open(tmp_path))


def test_a_vault_refuses_a_key_of_another_vault(tmp_path):
    key_id, _, ciphertext = KeyVault.open(tmp_path).make_data_key()
    (tmp_path / "other").mkdir()
    with pytest.raises(RefusedError):
        KeyVault.open(tmp_path / "other").decrypt(ciphertext, key_id=key_id)
