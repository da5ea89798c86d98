"""The download against real servers on this computer: what each kind of failure says."""

import http.server
import re
import socket
import ssl
import sys
import threading
import urllib.request

import certifi
import pytest

from aecourse import data
from aecourse.base import datafiles, download, messages

# A key and a certificate for 127.0.0.1 that nobody but these tests uses; its certificate is signed by itself.
PAIR = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg06xFnd3Q3RrGZ/00
qJT6Rm7Bcf4iUHAZnQQKoICEsw6hRANCAAQOoP21Ur0SCsKFY4wgLrdB9nQ2fFUA
gLw9mIaJ2fWDew9Nty1px+YamC+k2iZAKy1MKAhMMI/atPxsvKPHhmAC
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBajCCARCgAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBB0ZXN0IG9m
IGFlY291cnNlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAbMRkw
FwYDVQQDDBB0ZXN0IG9mIGFlY291cnNlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEDqD9tVK9EgrChWOMIC63QfZ0NnxVAIC8PZiGidn1g3sPTbctacfmGpgvpNom
QCstTCgITDCP2rT8bLyjx4ZgAqNDMEEwDwYDVR0RBAgwBocEfwAAATAPBgNVHRMB
Af8EBTADAQH/MB0GA1UdDgQWBBR52iANz37AlSejofYrWmRD7IzaFzAKBggqhkjO
PQQDAgNIADBFAiA6nbE0KgUKtm8ISRJeQWBm0VfFf9vJISvFuECp1stVngIhALcU
nTnlMpkAe41IZSgCVEFVrOeXNXhGngPQvFf2uWPp
-----END CERTIFICATE-----
"""

# The certificate of a proxy that looks into what passes, and that of the school that signed it: its "CA" is not marked
# critical, and neither names the key of its signer.
SCHOOL_PAIR = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFf/NSonP7I71tM0H
oupE4bWEdaHpcpLW1yw/PKLPmd+hRANCAATTWGeFVRgzBIcpuFqEviRM+7fCH1lD
J55afifOXkHLrxNXR3h7ffuMEDLcgWOncg9fA0MZefzBSBa38jgQ1n3Y
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBTjCB9qADAgECAhRVv86jUBrrg3W+hENJmpjplG88VDAKBggqhkjOPQQDAjAd
MRswGQYDVQQDDBJzY2hvb2wgb2YgYWVjb3Vyc2UwIBcNMjYxMTI3MjA1MzI3WhgP
MjEyNjExMDMyMDUzMjdaMBwxGjAYBgNVBAMMEXByb3h5IG9mIGFlY291cnNlMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE01hnhVUYMwSHKbhahL4kTPu3wh9ZQyee
Wn4nzl5By68TV0d4e337jBAy3IFjp3IPXwNDGXn8wUgWt/I4ENZ92KMTMBEwDwYD
VR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNHADBEAiAKLWx2njIx+VwGpFOW+uZ7
Yb2mJlghPTmQ+L9WC1ZS/AIgWVpF9i8ZFJNUAd3ob+vkLSj92N+CPRbLhWjxD/wI
S+M=
-----END CERTIFICATE-----
"""
SCHOOL = """-----BEGIN CERTIFICATE-----
MIIBTTCB9KADAgECAhQxBj8/pJ5k6fKdtBt9JOMLlk0ZOjAKBggqhkjOPQQDAjAd
MRswGQYDVQQDDBJzY2hvb2wgb2YgYWVjb3Vyc2UwIBcNMjYxMTI3MjA1MzI3WhgP
MjEyNjExMDMyMDUzMjdaMB0xGzAZBgNVBAMMEnNjaG9vbCBvZiBhZWNvdXJzZTBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABO/67iFCzULC5/32WtHMhFO3ZCnWa3r7
A2+n8L9ViBJ1FZeOL4mHJC8dGELnqHzSUM018i0KEz18+F38+sOIIq6jEDAOMAwG
A1UdEwQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgHUhDfqHih4frdTkw4quxbt5y
+Miy0nQi93RI+GbYWbACIQDzB46cG8z+H9eIZJXNvcBe+JcFoiFo6HBYVUDirBvY
Mw==
-----END CERTIFICATE-----
"""


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by the first part of the path; as a proxy it opens no tunnel."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind = self.path.split("/")[1] or self.path.split("/")[3]
        if kind.isdigit():
            self.send_error(int(kind))
        elif kind == "hangs":
            self.server.over.wait(60)
        elif kind == "moved":
            self.send_response(302)
            self.send_header("Location", "/whole/file.gz")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif kind == "babble":
            self.wfile.write(b"nothing that HTTP knows\r\n\r\n")
        else:
            self.send_response(200)
            if kind != "unmeasured":
                self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * (50_000 if kind in ("cut", "stops") else 100_000))
            self.wfile.flush()
            if kind == "stops":
                self.server.over.wait(60)
        self.close_connection = True

    def do_CONNECT(self):
        self.send_error(407 if self.server.strict else 403)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Start a server, plain or with the certificate above, and return its address."""
    started = []
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(download, "TIMEOUT", 60)  # what is to come comes on a busy computer too
    (tmp_path / "pair.pem").write_text(PAIR, encoding="ascii")

    def start(secure=False, strict=False):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        server.strict, server.handle_error, server.over = strict, lambda *_: None, threading.Event()
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "pair.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return f"http{'s' * secure}://127.0.0.1:{server.server_port}/"

    yield start
    for server in started:
        server.over.set()
        server.shutdown()
        server.server_close()


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def refused(url):
    with pytest.raises(download.Refused) as told:
        download.get(url)
    return told.value.reason, "\n".join(told.value.advice)


@pytest.mark.parametrize("kind", ["whole", "unmeasured", "moved"])
def test_a_file_comes_whole(serve, kind, capsys):
    assert download.get(f"{serve()}{kind}/file.gz") == b"x" * 100_000
    assert "file.gz, 100 kB in 0 s" in capsys.readouterr().out


@pytest.mark.parametrize(("kind", "words"), [
    ("403", "the answer is 403 Forbidden"), ("404", "404 Not Found"), ("503", "503 Service Unavailable"),
    ("407", "407 Proxy Authentication Required"), ("hangs", "no answer within 0.3 seconds"),
    ("stops", "no answer within 3 seconds"), ("cut", "broke off after 50,000 of 100,000 bytes"),
    ("babble", "nothing that HTTP knows")])
def test_each_failure_is_quoted(serve, kind, words, capsys, monkeypatch):
    if seconds := {"hangs": 0.3, "stops": 3}.get(kind):
        monkeypatch.setattr(download, "TIMEOUT", seconds)
    reason, advice = refused(f"{serve()}{kind}/file.gz")
    assert reason.startswith("127.0.0.1: ")
    assert words in reason
    assert "HTTPS_PROXY" in advice
    assert ("did not come whole" in capsys.readouterr().out) == (kind in ("cut", "stops")), "the live line must end"


def test_no_server_and_no_such_name_are_quoted(serve):
    assert "refused" in refused(f"http://127.0.0.1:{closed_port()}/file.gz")[0]
    assert re.match(r"no-such-host\.invalid: \w", refused("https://no-such-host.invalid/file.gz")[0])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_answer_is_named_without_its_password(serve, monkeypatch, scheme):
    port = closed_port()
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:secret@127.0.0.1:{port}")
    reason, advice = refused(f"{scheme}://example.org/file.gz")
    assert reason.startswith("example.org: ")
    assert f"(through the proxy 127.0.0.1:{port})" in reason
    assert "secret" not in reason + advice
    assert "HTTPS_PROXY" in advice
    assert "NO_PROXY" in advice


@pytest.mark.parametrize(("strict", "code"), [(True, "407 Proxy Authentication Required"), (False, "403 Forbidden")])
def test_a_proxy_that_refuses_is_quoted(serve, monkeypatch, strict, code):
    monkeypatch.setenv("https_proxy", serve(strict=strict))
    reason, advice = refused("https://example.org/file.gz")
    assert code in reason
    assert "through the proxy 127.0.0.1:" in reason
    assert "NAME:PASSWORD" in advice


@pytest.mark.parametrize("proxy", ["http://", "http://127.0.0.1:port", "no address", "socks5://127.0.0.1:9"])
def test_a_proxy_that_is_no_address_is_a_sentence_too(serve, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    reason, advice = refused("http://example.org/file.gz")
    assert reason.startswith("example.org: ")
    assert "HTTPS_PROXY" in advice


def test_a_proxy_can_be_gone_past(serve, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "*")
    assert download.get(f"{serve()}whole/file.gz")
    assert "through the proxy" not in refused(f"{serve()}404/file.gz")[0]


def test_a_certificate_that_is_not_known_is_quoted_with_the_command_that_installs_it(serve, monkeypatch):
    url = f"{serve(secure=True)}whole/file.gz"
    reason, advice = refused(url)
    assert "certificate verify failed, self-signed certificate" in reason
    assert "python -m pip install --upgrade certifi" in advice
    assert "SSL_CERT_FILE" in advice
    assert "Install Certificates.command" not in advice
    monkeypatch.setattr(sys, "platform", "darwin")
    assert f'"/Applications/Python 3.{sys.version_info.minor}/Install Certificates.command"' in refused(url)[1]


def test_the_advice_on_certificates_helps(serve, monkeypatch, tmp_path):
    url = f"{serve(secure=True)}whole/file.gz"
    with monkeypatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(tmp_path / "pair.pem"))
        assert download.get(url)
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "pair.pem"))
    assert download.get(url)
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert "certificate" in refused(url)[0]


@pytest.mark.parametrize("signed", ["by itself", "by a school"])
def test_a_certificate_that_is_not_in_the_form_of_rfc_5280_is_taken(serve, monkeypatch, tmp_path, signed):
    create = ssl.create_default_context

    def as_in_python_3_13():
        context = create()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    if signed == "by a school":
        (tmp_path / "pair.pem").write_text(SCHOOL_PAIR, encoding="ascii")
        (tmp_path / "known.pem").write_text(SCHOOL, encoding="ascii")
    else:
        (tmp_path / "known.pem").write_text(PAIR, encoding="ascii")
    monkeypatch.setattr(ssl, "create_default_context", as_in_python_3_13)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
    assert download.get(f"{serve(secure=True)}whole/file.gz")


def test_a_wrong_clock_is_thought_of(monkeypatch):
    error = ssl.SSLCertVerificationError("late")
    error.verify_message = "certificate has expired"
    assert "clock" in download._words(error)


def test_an_interrupted_download_leaves_nothing(serve, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.load("mnist")
    assert [path.name for path in (tmp_path / "cache").rglob("*")] == ["MNIST", "raw"]


def test_the_whole_message_quotes_each_server_once_and_gives_each_advice_once(serve, monkeypatch, tmp_path):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    plain = serve()
    monkeypatch.setitem(datafiles.MIRRORS, "mnist", (f"{serve(secure=True)}whole/", f"{plain}403/", f"{plain}404/"))
    with pytest.raises(data.DataError) as told:
        data.load("mnist")
    text = str(told.value)
    for words in ("self-signed certificate", "403 Forbidden", "404 Not Found", "--upgrade certifi", "HTTPS_PROXY=",
                  "python -m aecourse data", "AECOURSE_DATA="):
        assert text.count(words) == 1, text
    prose = [line for line in text.splitlines() if not line.startswith(messages.INDENT)]
    assert all(len(line) <= messages.WIDTH for line in prose)
