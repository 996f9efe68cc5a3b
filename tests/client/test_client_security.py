"""TLS and credentials: who is believed, what is sent, and what never stands in words."""

import base64
import logging
import ssl

import pytest
from answering import Answer, raw_server, serving
from certificates import Authority

from seldon_deployer import Tls
from seldon_deployer.errors import ConfigError, PredictionError

GOOD = Answer(200, {"strData": "x"})
SECRET = "canary-0f83"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def server_pair(authority):
    return authority.sign("server")


def server_context(pair, clients=None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if clients is not None:
        context.load_verify_locations(clients.file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def fail(client) -> PredictionError:
    with pytest.raises(PredictionError) as caught:
        client.predict("a")
    return caught.value


def test_a_server_of_the_given_authority_is_believed(make_client, authority, server_pair):
    with serving(GOOD, server_context(server_pair)) as server:
        client = make_client(server.url, tls=Tls(ca_file=authority.file))
        assert [client.predict("a") for _ in range(2)] == ["x", "x"]


def test_a_server_that_nobody_vouches_for_is_not_believed(make_client, server_pair):
    with serving(GOOD, server_context(server_pair)) as server:
        error = fail(make_client(server.url, auth=SECRET))
    assert "its certificate is not trusted" in error.why
    assert "ca_file" in error.hint
    assert server.requests == []


def test_the_certificate_of_another_host_is_not_believed(make_client, authority):
    pair = authority.sign("elsewhere", "192.0.2.1")
    with serving(GOOD, server_context(pair)) as server:
        error = fail(make_client(server.url, tls=Tls(ca_file=authority.file)))
    assert "not valid for '127.0.0.1'" in error.why


def test_any_server_is_believed_where_that_was_asked_and_told(make_client, server_pair, caplog):
    with serving(GOOD, server_context(server_pair)) as server:
        client = make_client(server.url, tls=Tls(verify=False))
        assert client.predict("a") == "x"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "is not verified" in caplog.text


def test_a_server_may_ask_for_a_certificate_of_the_client(make_client, authority, server_pair):
    own = authority.sign("client")
    context = server_context(server_pair, clients=authority)
    with serving(GOOD, context) as server:
        tls = Tls(authority.file, True, own.certificate, own.key)
        assert make_client(server.url, tls=tls).predict("a") == "x"
        without = fail(make_client(server.url, tls=Tls(authority.file)))
    assert len(server.requests) == 1
    assert without.status is None


def test_tls_to_a_server_of_plain_http_is_told(make_client):
    def greet(connection, number):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with raw_server(greet) as url:
        error = fail(make_client(url.replace("http:", "https:")))
    assert error.why == "it speaks plain HTTP there"


@pytest.mark.parametrize("case", ["missing", "no pem", "other key", "locked"])
def test_a_bad_certificate_file_is_named(make_client, authority, tmp_path, case):
    one, other = authority.sign("one"), authority.sign("other")
    locked = authority.sign("locked", password=b"secret")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    tls = {
        "missing": Tls(ca_file=tmp_path / "nowhere.pem"),
        "no pem": Tls(ca_file=text),
        "other key": Tls(certificate_file=one.certificate, key_file=other.key),
        "locked": Tls(certificate_file=locked.certificate, key_file=locked.key),
    }[case]
    file = tls.ca_file or tls.certificate_file
    with pytest.raises(ConfigError, match=f"cannot use {file} for the"):
        make_client("https://127.0.0.1:9", tls=tls).predict("a")


def test_a_key_without_its_certificate_is_told(make_client, tmp_path):
    with pytest.raises(ConfigError, match="without its certificate"):
        make_client("https://127.0.0.1:9", tls=Tls(key_file=tmp_path / "key")).predict("a")


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (f"{SECRET}\n", f"Bearer {SECRET}"),
        (("ann", SECRET), "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()),
        (lambda: SECRET, f"Bearer {SECRET}"),
    ],
)
def test_credentials_go_with_each_request(make_client, auth, sent):
    with serving(GOOD) as server:
        client = make_client(server.url, auth=auth, headers={"X-Team": "models"})
        client.predict("a")
        client.metadata()
    for request in server.requests:
        assert request.headers["authorization"] == sent
        assert request.headers["x-team"] == "models"


def test_a_token_of_the_moment_is_asked_for_each_time(make_client):
    tokens = iter(["first", "second"])
    with serving(GOOD) as server:
        client = make_client(server.url, auth=lambda: next(tokens))
        client.predict("a")
        client.predict("a")
    told = [request.headers["authorization"] for request in server.requests]
    assert told == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500, 503])
def test_no_credential_stands_in_an_error_a_log_or_a_name(make_client, caplog, status):
    caplog.set_level(logging.DEBUG)
    # A server that says what it was sent is the worst case for what is told of its answer.
    with serving(lambda request: Answer(status, str(request.headers).encode())) as server:
        client = make_client(server.url, auth=SECRET, headers={"X-Auth-Token": SECRET})
        error = fail(client)
    said = f"{error} {error!r} {client.client!r} {client.client._connection!r} {caplog.text}"
    assert SECRET not in said


@pytest.mark.parametrize("token", [f"{SECRET}\nX-Admin: yes", f"{SECRET}é", " "])
def test_a_token_that_no_header_can_hold_is_not_quoted(make_client, token):
    with pytest.raises(ConfigError) as caught:
        make_client("http://127.0.0.1:9", auth=token).predict("a")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_header_that_cannot_be_is_told_at_once(make_client):
    with pytest.raises(ConfigError, match="header X-Key"):
        make_client("http://127.0.0.1:9", headers={"X-Key": "a\r\nb"})


def test_credentials_without_tls_are_told(make_client, caplog):
    make_client("http://ingress.example.com/seldon/models/iris", auth=SECRET)
    assert "without TLS" in caplog.text
    caplog.clear()
    make_client("http://127.0.0.1:9/seldon/models/iris", auth=SECRET)
    make_client("https://ingress.example.com/seldon/models/iris", auth=SECRET)
    assert caplog.text == ""
