"""The raw files of MNIST and Fashion-MNIST: where they lie, whether they are whole, and how they are downloaded.

Every file is checked before use, because torchvision accepts a damaged raw file in silence.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from aecourse import CourseError

FOLDERS = {"mnist": "MNIST", "fashion": "FashionMNIST"}  # our name: torchvision's class and folder
DRAWN = "strokes"  # the built-in digits: no files, so they are always whole and at hand
FILES = {  # name: bytes
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
SHA256 = {  # of the unpacked files; torchvision knows only those of the archives
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
}
TIMEOUT = 10  # seconds without an answer before a download is given up
REMEMBER = 15 * 60  # seconds for which a failed download is not tried again


class DataError(CourseError):
    """The images cannot be had; the message names the file and the command that mends it."""


class NotHere(DataError):
    """The images are not on this computer, and no download brought them: the built-in digits may take their place."""


@dataclass(frozen=True)
class Report:
    """What was found of one file: ``state`` is "ok", "missing", "truncated", "damaged" or "unreadable"."""

    path: Path
    state: str


def fetch(name: str | None = None) -> Path:
    """Return the folder of verified raw files; missing or damaged ones are downloaded into the cache.

    Unlike `load` it tries the network again at once after a failed download, and never takes another data set.
    """
    name = known(name)
    if name == DRAWN:
        return cache_folder()
    with contextlib.suppress(OSError):
        _failure_file(name).unlink()
    return find(name)


def at_hand(name: str) -> bool:
    """Return whether the data set can be loaded without a download."""
    return all(report.state == "ok" for report in inspect(name))


def inspect(name: str | None = None) -> list[Report]:
    """Return a report for each raw file of the place that `load` would read; nothing is downloaded."""
    name = known(name)
    if name == DRAWN:
        return []
    folder = _own_folder(name) or _cache(name)
    return [Report(folder / file, _state(folder / file, name)) for file in FILES]


def where(name: str | None = None) -> str:
    """Return one line that says where the data set is taken from."""
    name = known(name)
    if name == DRAWN:
        return f"{name}, drawn by the course itself"
    own = _own_folder(name)
    if own is not None:
        return f"{name} from {own} (AECOURSE_DATA)"
    here = all(report.state == "ok" for report in inspect(name))
    return f"{name} from the cache {_cache(name)}" if here else f"{name} is not here yet; it goes to {_cache(name)}"


def fingerprint(name: str | None = None) -> str:
    """Return a short text that identifies the data set's content, without reading images."""
    name = known(name)
    digest = "-".join(_expected(name).values()) or "unrecorded"
    return f"{name}:{hashlib.sha256(digest.encode()).hexdigest()[:8]}"


def cache_folder() -> Path:
    """Return the folder for downloads: ``AECOURSE_CACHE`` if set, else the user's cache folder."""
    return Path(os.environ.get("AECOURSE_CACHE") or platformdirs.user_cache_dir("aecourse", appauthor=False))


def known(name: str | None) -> str:
    """Return the data set's name, from the environment where None is given; an unknown one raises DataError."""
    name = name or os.environ.get("AECOURSE_DATASET") or "mnist"
    if name not in (*FOLDERS, DRAWN):
        raise DataError(f"there is no data set named {name!r}; the course knows {', '.join(FOLDERS)}, {DRAWN}. "
                        "Mend the name, or unset AECOURSE_DATASET.")
    return name


def _cache(name: str) -> Path:
    return cache_folder() / FOLDERS[name] / "raw"


def _own_folder(name: str) -> Path | None:
    """Return the raw folder below AECOURSE_DATA, or None where it is not set or holds only the other data set."""
    setting = os.environ.get("AECOURSE_DATA")
    if not setting:
        return None
    root = Path(setting)
    if not root.is_absolute():
        raise DataError(f"AECOURSE_DATA must be an absolute folder; it is {setting!r}. "
                        f"Try AECOURSE_DATA={Path(setting).absolute()}")
    if not root.is_dir():
        raise DataError(f"AECOURSE_DATA names {root}, which is not a folder. Set it to the folder that holds "
                        "MNIST/raw, or unset it and run: python -m aecourse data")
    raw = root / FOLDERS[name] / "raw"
    return raw if raw.is_dir() or name == "mnist" else None


def find(name: str) -> Path:
    """Return a folder whose four files are verified; `NotHere` where they can only come from elsewhere."""
    own = _own_folder(name)
    bad = [report for report in inspect(name) if report.state != "ok"]
    if own is None:
        if bad:
            for report in bad:
                if report.state != "missing":
                    print(f"{report.path} is {report.state}: it is fetched again.")
            _download(name)
        return _cache(name)
    if bad:
        raise DataError(f"{bad[0].path} is {bad[0].state}. AECOURSE_DATA names that folder, and the course only reads "
                        "there: copy the file again, or unset AECOURSE_DATA and run: python -m aecourse data")
    return own


def _state(path: Path, name: str) -> str:
    try:
        size = path.stat().st_size
        if size != FILES[path.name]:
            return "truncated" if size < FILES[path.name] and path.is_file() else "damaged"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"
    except OSError:  # no permission, a broken disk
        return "unreadable"
    return "ok" if _expected(name).get(path.name, digest) == digest else "damaged"


def _expected(name: str) -> dict[str, str]:
    """Return file → SHA-256; for a data set without published ones, those recorded at its verified download."""
    if name in SHA256:
        return SHA256[name]
    record = _cache(name) / "sha256.json"
    return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}


# ---- the download ---------------------------------------------------------------------------------------------------


def _failure_file(name: str) -> Path:
    return cache_folder() / f"{name}-download-failed"


def _download(name: str) -> None:
    """Download with torchvision into a temporary folder, verify, then move into the cache."""
    failed = _failure_file(name)
    if failed.is_file() and (age := time.time() - failed.stat().st_mtime) < REMEMBER:
        raise NotHere(f"{name} could not be downloaded {age / 60:.0f} minutes ago, so it is not tried again. {_MEND}")
    cache = _cache(name)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as temporary:
            _download_into(Path(temporary), name)
            raw = Path(temporary) / FOLDERS[name] / "raw"
            bad = [file for file in FILES if _state(raw / file, name) != "ok"]
            if bad:
                raise NotHere(f"{name} was downloaded, but {bad[0]} is not the published file. {_MEND}")
            record = {f: hashlib.sha256((raw / f).read_bytes()).hexdigest() for f in FILES}
            (raw / "sha256.json").write_text(json.dumps(record, indent=1), encoding="utf-8", newline="\n")
            for file in [*FILES, "sha256.json"]:
                if (cache / file).is_dir():  # a folder in a file's place cannot be replaced
                    shutil.rmtree(cache / file)
                os.replace(raw / file, cache / file)
    except OSError as error:
        raise NotHere(f"the cache folder {cache} cannot be written ({error.strerror or error}). Free 130 MB there, "
                      "or set AECOURSE_CACHE to a folder that you may write, then run: "
                      "python -m aecourse data") from None


def _download_into(folder: Path, name: str) -> None:
    from aecourse import _torchvision

    dataset = getattr(_torchvision.load().datasets, FOLDERS[name])
    print(f"Downloading {name} (about {11 if name == 'mnist' else 30} MB), once, into {_cache(name)} …", flush=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision names no time-out of its own
    try:
        # A progress bar on a terminal only: in a notebook it would leave fragments in the stored output.
        with contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO()):
            dataset(folder, download=True)
    except (RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno == 28:  # the disk is full
            raise
        _failure_file(name).touch()
        raise NotHere(f"{name} could not be downloaded ({_reason(error)}). {_MEND}") from None
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    text = str(error).lower()
    if "not found or corrupted" in text:
        return "what arrived was damaged"
    return "no answer in time" if "timed out" in text else "no network, or the server refused"


_MEND = ("With a network run: python -m aecourse data. Without one, copy a folder that holds MNIST/raw to this "
         "computer and set AECOURSE_DATA to its absolute path.")
