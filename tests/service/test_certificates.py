"""TLS: the server's certificate, and services that say who they are by theirs."""

import contextlib
import datetime
import http.client
import inspect
import json
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SUM = {"program": "sum", "input": [1, 2.25]}
BATCH = "spiffe://acme.example/batch"
REPORTS = "reports.acme.example"


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key.public_key(), [], is_authority=True)
        self.path = self._write(f"{name}.pem", self.certificate)

    def issue(self, name, *names, days=1, usage=ExtendedKeyUsageOID.CLIENT_AUTH):
        """The paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        more = [
            x509.SubjectAlternativeName(names),
            x509.ExtendedKeyUsage([usage]),
        ]
        certificate = self._sign(name, key.public_key(), more if names else more[1:], days=days)
        path = self.folder / f"{self.name}-{name}.key"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(key.private_bytes(*form))
        return self._write(f"{self.name}-{name}.pem", certificate), path

    def _sign(self, name, public_key, extensions, *, is_authority=False, days=1):
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if is_authority else self.certificate.subject
        builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=3))
        builder = builder.not_valid_after(now + datetime.timedelta(days=days))
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        # Python 3.13 asks for what RFC 5280 has every certificate say of keys.
        uses = dict.fromkeys(inspect.signature(x509.KeyUsage).parameters, False)
        uses["key_cert_sign" if is_authority else "digital_signature"] = True
        keys = (
            x509.KeyUsage(**uses),
            x509.SubjectKeyIdentifier.from_public_key(public_key),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
        )
        for extension in (*keys, *extensions):
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, certificate):
        path = self.folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path


def localhost(authority, name="server"):
    return authority.issue(name, x509.DNSName("localhost"), usage=ExtendedKeyUsageOID.SERVER_AUTH)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secured(serve, authority, tmp_path_factory):
    """A server that takes keys and certificates, and grants tenants two requests a minute."""
    folder = tmp_path_factory.mktemp("secured")
    certificate, key = localhost(authority)
    (folder / "serve.toml").write_text(
        f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nclient_ca = "{authority.path}"\n'
        f'[authentication.services."{BATCH}"]\ntenant = "acme"\nroles = ["admin"]\nunlimited = true\n'
        f'[authentication.services."{REPORTS}"]\ntenant = "acme"\nroles = ["viewer"]\n'
        '[limits]\ntier = "free"\n[limits.operations]\nexecute = 2\nexecutions = 3\n'
    )
    served = serve(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield served
    assert served.stop() == 0
    assert "no effect when using ssl" not in served.log.read_text()


@contextlib.contextmanager
def connected(served, authority, shown=None):
    context = ssl.create_default_context(cafile=authority.path)
    if shown is not None:
        context.load_cert_chain(*shown)
    connection = http.client.HTTPSConnection("localhost", served.port, timeout=20, context=context)
    # The name is what the certificate is held to; the server listens at 127.0.0.1 alone.
    try:
        yield connection
    finally:
        connection.close()


def ask(connection, method="GET", path="/v1/executions", body=None, **headers):
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {name.replace("_", "-"): text for name, text in headers.items()})
    response = connection.getresponse()
    read = response.read()
    return response, json.loads(read) if read else None


def test_a_service_is_known_by_a_name_in_its_certificate(secured, authority):
    shown = authority.issue("batch", x509.UniformResourceIdentifier(BATCH))
    with connected(secured, authority, shown) as connection:
        # Of one connection, the quick entrance answers the first; the other has it handed over.
        response, told = ask(connection, "POST", "/v1/workflows/execute", SUM)
        assert response.status == 200
        path = f"/v1/executions/{told['data']['execution_id']}/history"
        response, told = ask(connection, path=path)
        assert response.status == 200
    assert {event["metadata"]["user_id"] for event in told["data"]["events"]} == {f"service:{BATCH}"}
    assert {event["tenant_id"] for event in told["data"]["events"]} == {"acme"}


def test_a_service_may_do_what_its_roles_allow(secured, authority):
    shown = authority.issue("reports", x509.DNSName(REPORTS))
    with connected(secured, authority, shown) as connection:
        assert ask(connection)[0].status == 200
        response, told = ask(connection, "POST", "/v1/workflows/execute", SUM)
        assert (response.status, told["errors"][0]["code"]) == (403, "forbidden")


def test_only_a_service_that_is_said_to_be_unlimited_is(secured, authority):
    batch = authority.issue("batch2", x509.UniformResourceIdentifier(BATCH))
    with connected(secured, authority, batch) as connection:
        for _ in range(20):
            response, _ = ask(connection)
            assert response.status == 200
            assert response.getheader("X-RateLimit-Limit") is None
    reports = authority.issue("reports2", x509.DNSName(REPORTS))
    with connected(secured, authority, reports) as connection:
        statuses = [ask(connection)[0].status for _ in range(5)]
    assert 429 in statuses


def test_with_a_key_a_service_acts_for_the_keys_tenant_and_keeps_its_own_limits(secured, authority):
    shown = authority.issue("batch3", x509.UniformResourceIdentifier(BATCH))
    with connected(secured, authority, shown) as connection:
        _, made = ask(connection, "POST", "/v1/keys", {"name": "k", "roles": ["viewer"]})
        key = made["data"]["key"]
        for _ in range(6):
            response, _ = ask(connection, Authorization=f"Bearer {key}")
            assert response.status == 200
        response, _ = ask(connection, "POST", "/v1/workflows/execute", SUM, Authorization=f"Bearer {key}")
        assert response.status == 403
        assert ask(connection, Authorization="Bearer gl_wrong")[0].status == 401
    with connected(secured, authority) as connection:  # a key alone is limited
        statuses = [ask(connection, Authorization=f"Bearer {key}")[0].status for _ in range(5)]
        assert 429 in statuses


@pytest.mark.parametrize(
    "names",
    [
        (),
        (x509.DNSName("batch.acme.example"),),
        (x509.UniformResourceIdentifier(BATCH + "/"),),
        (x509.UniformResourceIdentifier(BATCH.upper()),),
        (x509.DNSName(f"www.{REPORTS}"), x509.DNSName("*.acme.example")),
        (x509.RFC822Name(f"batch@{REPORTS}"),),
    ],
)
def test_a_certificate_with_another_name_says_nothing(secured, authority, names):
    # Its subject's common name is that of a service: only alternative names count.
    shown = authority.issue(REPORTS, *names)
    with connected(secured, authority, shown) as connection:
        response, told = ask(connection)
        assert (response.status, told["errors"][0]["code"]) == (401, "unauthenticated")


def test_nobody_gets_in_by_saying_the_name_of_a_service(secured, authority):
    with connected(secured, authority) as connection:
        for header in ("X-Forwarded-Client-Cert", "X-SSL-Client-SAN", "X-Client-Cert", "Forwarded"):
            response, _ = ask(connection, **{header: BATCH})
            assert response.status == 401


@pytest.mark.parametrize("kind", ["of a stranger", "expired", "for servers"])
def test_a_certificate_that_does_not_hold_ends_the_connection(secured, authority, tmp_path, kind):
    name = x509.UniformResourceIdentifier(BATCH)
    shown = {
        "of a stranger": lambda: Authority(tmp_path).issue("eve", name),
        "expired": lambda: authority.issue("late", name, days=-1),
        "for servers": lambda: authority.issue("s", name, usage=ExtendedKeyUsageOID.SERVER_AUTH),
    }[kind]()
    with (
        connected(secured, authority, shown) as connection,
        pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)),
    ):
        ask(connection)


def test_what_is_no_tls_gets_nothing_and_harms_nobody(secured, authority):
    connection = http.client.HTTPConnection("localhost", secured.port, timeout=5)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(connection)
    old = ssl.create_default_context(cafile=authority.path)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = http.client.HTTPSConnection("localhost", secured.port, timeout=5, context=old)
    assert ask(connection)[0].status == 401
    connection.close()


def test_a_new_certificate_is_taken_up_without_a_restart(serve, authority, tmp_path):
    import shutil
    import signal

    certificate, key = localhost(authority, "first")
    served_by = tmp_path / "server.pem", tmp_path / "server.key"
    for source, target in zip((certificate, key), served_by, strict=True):
        shutil.copy(source, target)
    (tmp_path / "serve.toml").write_text(
        f'[tls]\ncertificate = "{served_by[0]}"\nkey = "{served_by[1]}"\n'
        f'client_ca = "{authority.path}"\nclient_certificates = "required"\n'
    )
    served = serve("memory:", tmp_path, "--config", str(tmp_path / "serve.toml"))
    shown = authority.issue("anybody")

    def serial():
        with connected(served, authority, shown) as connection:
            connection.connect()
            return connection.sock.getpeercert()["serialNumber"]

    before = serial()
    for source, target in zip(localhost(authority, "second"), served_by, strict=True):
        shutil.copy(source, target)
    served.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while serial() == before:
        assert time.monotonic() < end
        time.sleep(0.05)
    with connected(served, authority, shown) as connection:
        assert ask(connection, "POST", "/v1/workflows/execute", SUM)[0].status == 200
    served_by[0].write_text("no certificate")
    served.process.send_signal(signal.SIGHUP)
    while "the certificates cannot be read" not in served.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    serial()
    with (
        connected(served, authority) as connection,
        pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)),
    ):
        ask(connection)
    assert served.stop() == 0


def test_every_process_of_a_port_speaks_it(serve, authority, tmp_path):
    certificate, key = localhost(authority, "shared")
    (tmp_path / "serve.toml").write_text(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
    served = serve(
        tmp_path / "runtime.db", tmp_path, "--workers", "2", "--config", str(tmp_path / "serve.toml")
    )
    assert f"https://127.0.0.1:{served.port}" in served.log.read_text()
    for _ in range(6):
        with connected(served, authority) as connection:
            assert ask(connection, "POST", "/v1/workflows/execute", SUM)[0].status == 200
    assert served.stop() == 0


def test_files_that_are_none_are_refused_before_anything_is_served(greenlang, tmp_path):
    (tmp_path / "serve.toml").write_text('[tls]\ncertificate = "absent.pem"\nkey = "absent.key"\n')
    done = greenlang("serve", "--port", "0", "--config", tmp_path / "serve.toml", code=2)
    assert "the certificates cannot be read" in done.stderr
