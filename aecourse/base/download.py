"""One file from a server, and in words why it did not come and what helps.

Without torchvision's own download: it turns every reason into one text, and asks again without encryption.
"""

import contextlib
import http.client
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from aecourse.base.messages import INDENT, setting, some_folder
from aecourse.progress import Line, duration

TIMEOUT = 10  # seconds without an answer, or without the next piece of it, before a server is given up


class Refused(Exception):
    """A file did not come: ``reason`` says why, in one line; ``advice`` holds what helps, as parts of a message."""

    def __init__(self, reason: str, advice: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


def get(url: str) -> bytes:
    """Return what a server sends, with a live line meanwhile; raises `Refused`."""
    start, line, pieces, done = time.monotonic(), Line(), [], 0
    name = url.rsplit("/", 1)[-1]
    request = urllib.request.Request(url, headers={"User-Agent": "aecourse"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=_certificates()) as answer:
            size = answer.length
            while piece := answer.read1(1 << 16):  # what is there now: a live line
                pieces.append(piece)
                done += len(piece)
                line.show(f"{name}, {done / 1e3:,.0f} kB", done / size if size else None)
        if size and done < size:
            raise ConnectionError(f"the answer broke off after {done:,} of {size:,} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a proxy that is no address
        if pieces:
            line.close(f"{name} did not come whole")
        raise _refused(error, url) from None
    line.close(f"{name}, {done / 1e3:,.0f} kB in {duration(time.monotonic() - start)}")
    return b"".join(pieces)


def _certificates() -> ssl.SSLContext:
    """Return the system's certificates and certifi's: python.org's Python on a Mac comes without any.

    Python 3.13 and newer also ask for the form that RFC 5280 gives a certificate. Those that the proxy of a school
    makes often lack it, and what they vouch for is verified once more, by its SHA-256.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with contextlib.suppress(ImportError, OSError):  # certifi comes with JupyterLab
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _refused(error: Exception, url: str) -> Refused:
    host, proxy = urlsplit(url).hostname, _proxy(url)
    cause = error.reason if isinstance(error, urllib.error.URLError) and not hasattr(error, "code") else error
    reason = f"{host}: {_words(cause)}" + f" (through the proxy {proxy})" * bool(proxy)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Refused(reason, _certificate_advice())
    return Refused(reason, _proxy_advice(bool(proxy)))


def _words(cause: BaseException | str) -> str:
    if isinstance(cause, urllib.error.HTTPError):
        return f"the answer is {cause.code} {cause.reason}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        late = "expired" in cause.verify_message or "not yet valid" in cause.verify_message
        return f"certificate verify failed, {cause.verify_message}" + "; is this computer's clock right?" * late
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT} seconds"
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
    return text or type(cause).__name__


def _proxy(url: str) -> str | None:
    """Return host and port of the proxy that a request goes through, without a password; None where there is none."""
    address = urlsplit(url)
    proxy = urllib.request.getproxies().get(address.scheme)
    if not proxy or urllib.request.proxy_bypass(address.netloc):
        return None
    return proxy.rsplit("@", 1)[-1].removeprefix(f"{address.scheme}://").removeprefix("http://")


def _certificate_advice() -> tuple[str, ...]:
    own = Path(f"/Applications/Python {sys.version_info.major}.{sys.version_info.minor}/Install Certificates.command")
    mac = ("or, with a Python from python.org:", f'{INDENT}open "{own}"') * (sys.platform == "darwin")
    return ("This Python lacks the certificate. To install the usual ones:",
            f"{INDENT}python -m pip install --upgrade certifi", *mac,
            "The network of a school or a company may use a certificate of its own. Ask for its file, and name it:",
            *setting("SSL_CERT_FILE", str(Path(some_folder()) / "certificate.pem")))


def _proxy_advice(used: bool) -> tuple[str, ...]:
    if used:
        return ("The proxy is named by HTTPS_PROXY or HTTP_PROXY, or by the system's settings. Where it is another, or "
                "wants a name and a password, say so in the same terminal:",
                *setting("HTTPS_PROXY", "http://NAME:PASSWORD@HOST:PORT"),
                "Where none is needed, go past it:", *setting("NO_PROXY", "*"))
    return ("Where the network has a proxy, name it first, in the same terminal (and HTTP_PROXY alike):",
            *setting("HTTPS_PROXY", "http://HOST:PORT"))
