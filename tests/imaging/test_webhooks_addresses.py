"""What a webhook's address may be: 500 hostile ones, and not one connection."""

import datetime as dt
import itertools
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imaging.adapters import webhook, webhook_address
from imaging.adapters.webhook import EndpointFailed, post
from imaging.adapters.webhook_address import AddressRefused, is_public, parse_target

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "100::1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
NAMES = [
    "hooks.example", "localhost.evil.example", "metadata.google.internal", "127.0.0.1.nip.example", "a.b.c.example",
    "xn--bcher-kva.example", "localtest.me", "customer1.app.localhost", "kubernetes.default.svc", "db.internal",
]  # fmt: skip
SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001",
    "127.0.0.1.", "0", "0.0.0.0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[fe80::1%25eth0]", "localhost", "localhost.", "LOCALHOST", "loopback", "ip6-localhost", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "metadata", "①②⑦.⓪.⓪.①", "127。0。0。1", "ｌocalhost", "127.0.0.1%00.example.com",
    "hooks.example%2e", "hooks..example", ".example", "example", "-.example", "hooks_.example", "hooks.1", "10.0.0.1",
    "[2606:4700:4700::1111]", "8.8.8.8",
]  # fmt: skip
WRAPPED = [
    "http://{}/", "https://{}:{port}/", "https://user@{}/", "https://user:pass@{}/", "https://good.example@{}/",
    "https://{}@127.0.0.1:{port}/", "https://{}:22/", "https://{}:25/", "https://{}:0/", "https://{}:65536/",
    "https://{}:-1/", "https://{}:{port}#@good.example/",
    "https:///{}/", "https:/{}/", "https:{}", "//{}/", "{}", "ftp://{}/", "file://{}/etc/passwd", "gopher://{}/_x",
    "dict://{}:{port}/", "ldap://{}/", "jar:https://{}!/", "data:text/plain,{}", "javascript:alert('{}')",
    "unix:///{}", "https://{}\\@127.0.0.1:{port}/", "https://127.0.0.1:{port}\\@{}/", "https://{} /",
    "https://{}\r\nX-Evil: 1", "https://{}/\r\n\r\nGET / HTTP/1.1", "https://{}/\t", "https://{}\x00.example/",
    "https://{}/#fragment", " https://{}/", "https://{}/é", "https://{}/" + "a" * 500, "https://{}:443:{port}/",
]  # fmt: skip


@pytest.fixture
def collector() -> Iterator[tuple[int, list[object]]]:
    """A listening socket on every address of this machine, its port, and the connections that reached it."""
    reached: list[object] = []
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    server.settimeout(0.05)
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            try:
                connection, peer = server.accept()
                reached.append(peer)
                connection.close()
            except TimeoutError:
                continue

    thread = threading.Thread(target=collect)
    thread.start()
    yield server.getsockname()[1], reached
    stop.set()
    thread.join()
    server.close()


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that this process tries to connect to; beyond this machine it gets nowhere, at once."""
    tried: list[object] = []
    connect = socket.socket.connect

    def spy(self: socket.socket, address: tuple) -> None:
        tried.append(address)
        if address[0] not in ("127.0.0.1", "::1"):
            raise OSError("unreachable")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", spy)
    return tried


def resolve_all_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Whatever name is asked for."""

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list:
        families = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (each, port)) for family, each in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_five_hundred_hostile_addresses_and_not_one_connection(
    collector: tuple[int, list[object]], dialled: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, reached = collector
    tried = 0
    # Names that resolve to what is ours, on the port at which something listens.
    for name, address in itertools.product(NAMES, PRIVATE):
        resolve_all_to(monkeypatch, address)
        tried += was_refused(f"https://{name}:{port}/hook")
    # Addresses in every spelling, and names wrapped so that two parsers disagree; all resolve to this machine.
    resolve_all_to(monkeypatch, "127.0.0.1")
    for host, form in itertools.product(SPELLINGS, WRAPPED):
        tried += was_refused(form.replace("{}", host).replace("{port}", str(port)))
    for host in SPELLINGS:
        tried += was_refused(f"https://{host}:{port}/hook")

    assert tried >= 500
    assert (reached, dialled) == ([], [])
    print(f"{tried} hostile addresses, {len(reached)} connections")


def was_refused(url: str) -> int:
    with pytest.raises(EndpointFailed):
        post(url, b"{}", {})
    return 1


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_name_with_one_private_address_among_public_ones_is_refused_whole(
    dialled: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for addresses in itertools.permutations(["93.184.216.34", "10.0.0.1"]):
        resolve_all_to(monkeypatch, *addresses)
        with pytest.raises(EndpointFailed, match="private-address"):
            post("https://hooks.example/", b"{}", {})
    assert dialled == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example/", "scheme"),
        ("https://user@hooks.example/", "credentials"),
        ("https://hooks.example:8/", "port"),
        ("https://hooks/", "host"),
        ("https://93.184.216.34/", "host"),
        ("https://hooks.example/ x", "url"),
        ("http://127.0.0.1:8000/", "scheme"),
    ],
)
def test_the_reason_of_a_refusal_is_told(url: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        parse_target(url)

    assert refusal.value.code == code
    assert refusal.value.reason.endswith(".")


def test_only_demonstrations_may_call_this_machine() -> None:
    assert parse_target("http://127.0.0.1:8123/a?b=c", local=True).path == "/a?b=c"
    for url in ("http://10.0.0.1/", "http://hooks.example/", "http://127.0.0.2/"):
        with pytest.raises(AddressRefused):
            parse_target(url, local=True)


@pytest.fixture
def hook_server(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, list[bytes]]]:
    """`hook.example` on this machine, by TLS, with a certificate that we trust; its port and what it was sent."""
    certificate, key = _write_certificate(tmp_path, "hook.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setattr(webhook, "tls_context", lambda: ssl.create_default_context(cafile=str(certificate)))
    monkeypatch.setattr(webhook_address, "is_public", lambda _: True)
    received: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(server, context, received), daemon=True).start()
    yield server.getsockname()[1], received
    server.close()


def _serve(server: socket.socket, context: ssl.SSLContext, received: list[bytes]) -> None:
    while True:
        try:
            raw, _ = server.accept()
            with context.wrap_socket(raw, server_side=True) as connection:
                received.append(_request(connection))
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 4096)
        except ssl.SSLError:
            continue
        except OSError:
            return


def _request(connection: ssl.SSLSocket) -> bytes:
    """All of it: to close with a body unread would reset the connection under the answer."""
    request = b""
    while more := connection.recv(65536):
        request += more
        if request.endswith(b"}"):
            break
    return request


def _write_certificate(folder: object, name: str) -> tuple[object, object]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(
        key, hashes.SHA256()
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem", folder / "key.pem"


def test_the_connection_goes_to_the_address_that_was_judged_under_the_name_that_was_given(
    hook_server: tuple[int, list[bytes]], dialled: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, received = hook_server
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list:
        asked.append(host)  # a second answer would be another address: DNS rebinding
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo",
        lambda host, *rest, **more: (real if host[0].isdigit() else getaddrinfo)(host, *rest, **more),
    )  # fmt: skip
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    status = post(f"https://hook.example:{port}/in?x=1", b'{"a":1}', {"webhook-id": "msg_1"})

    assert status == 202
    assert asked == ["hook.example"]
    assert dialled == [("127.0.0.1", port)]
    assert received[0].startswith(b"POST /in?x=1 HTTP/1.1\r\nHost: hook.example:%d\r\n" % port)


def test_a_certificate_for_another_name_is_refused(
    hook_server: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, received = hook_server
    resolve_all_to(monkeypatch, "127.0.0.1")

    with pytest.raises(EndpointFailed, match="tls"):
        post(f"https://other.example:{port}/", b"{}", {})
    assert received == []


@pytest.mark.parametrize("phase", ["handshake", "answer"])
def test_a_server_that_drips_is_cut_off(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 0.5)
    monkeypatch.setattr(webhook_address, "is_public", lambda _: True)
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        raw, _ = server.accept()
        # The beginning of a TLS handshake record, or of a header, that never ends.
        raw.sendall(b"\x16\x03\x03\x3f\xff" if phase == "handshake" else b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.1):
            try:
                raw.send(b"a")
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    resolve_all_to(monkeypatch, "127.0.0.1")
    port = server.getsockname()[1]
    url = f"https://hook.example:{port}/" if phase == "handshake" else f"http://127.0.0.1:{port}/"

    begun = dt.datetime.now(dt.UTC)
    with pytest.raises(EndpointFailed):
        post(url, b"{}", {}, local=phase == "answer")

    stop.set()
    server.close()
    assert dt.datetime.now(dt.UTC) - begun < dt.timedelta(seconds=3)
