"""The options of `seldon-deployer predict` reach the server that is asked."""

from __future__ import annotations

import ssl

import pytest
from answering import Answer, serving
from certificates import Authority

from seldon_deployer import InferenceClient
from seldon_deployer.cli.predict import take_asking

GOOD = Answer(200, {"strData": "x"})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


def given(**options):
    said = {
        "token_file": None,
        "ca_file": None,
        "cert_file": None,
        "key_file": None,
        "headers": (),
        "insecure": False,
        "timeout": 10,
    }
    return take_asking({**said, **options})


def test_a_certificate_a_token_and_headers_go_to_an_ingress_that_wants_them(authority, tmp_path):
    server, client = authority.sign("server"), authority.sign("client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    (tmp_path / "token").write_text("abc\n")
    asking = given(
        token_file=tmp_path / "token",
        ca_file=authority.file,
        cert_file=client.certificate,
        key_file=client.key,
        headers=("X-Team: botany", "X-Path:a:b"),
    )
    with serving(GOOD, context) as ingress, InferenceClient(ingress.url, **asking) as asked:
        assert asked.predict("a") == "x"
    (request,) = ingress.requests
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert sent["authorization"] == "Bearer abc"
    assert (sent["x-team"], sent["x-path"]) == ("botany", "a:b")
