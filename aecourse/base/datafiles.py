"""The raw files of MNIST and Fashion-MNIST: where they lie, whether they are whole, and how they come into the cache.

Every file is checked before use, by the SHA-256 of what it holds. It may lie there packed, as ``.gz``.
"""

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tempfile
import time
import zlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from aecourse import CourseError
from aecourse.base import console, download, project, settings
from aecourse.base.messages import INDENT, lines, setting, some_folder, whole
from aecourse.progress import duration

FOLDERS = {"mnist": "MNIST", "fashion": "FashionMNIST"}  # our name: torchvision's folder
TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}  # our name: what people call it
DRAWN = "strokes"  # the built-in digits: no files, so they are always whole and at hand
FILES = {  # name: bytes
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
SHA256 = {  # of the unpacked files
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
MIRRORS = {  # name: servers of the packed files, tried in this order
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    "fashion": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
}
MEGABYTES = {"mnist": 11, "fashion": 31}  # of the packed files
REMEMBER = 15 * 60  # seconds for which a failed download is not tried again
COMMAND = {"mnist": "python -m aecourse data", "fashion": "python -m aecourse data --dataset fashion"}


class DataError(CourseError):
    """The images cannot be had; the message names the file and the command that helps."""


class NotHere(DataError):
    """The images are not on this computer, and no download brought them: the built-in digits may take their place."""


@dataclass(frozen=True)
class Report:
    """What was found of one file: ``state`` is "ok", "missing", "truncated", "damaged" or "unreadable"."""

    path: Path
    state: str


# ---- what the rest of the course asks -------------------------------------------------------------------------------


def fetch(name: str | None = None) -> Path:
    """Return the folder of verified raw files; missing or damaged ones are downloaded into the cache.

    Unlike `load` it tries the network again at once after a failed download, and never takes another data set.
    """
    name = known(name)
    if name == DRAWN:
        return cache_folder()
    if own_folder(name) is None:
        with contextlib.suppress(OSError):
            _failure_file(name).unlink()
    return next(iter(find(name).values())).parent


def at_hand(name: str) -> bool:
    """Return whether the data set can be loaded without a download."""
    return all(report.state == "ok" for report in inspect(name))


def inspect(name: str | None = None) -> list[Report]:
    """Return a report for each raw file of the place that `load` would read; nothing is downloaded."""
    name = known(name)
    if name == DRAWN:
        return []
    folder = own_folder(name) or _cache(name)
    return [_report(folder, file, name) for file in FILES]


def where(name: str | None = None) -> str:
    """Return one line that says where the data set is taken from."""
    name = known(name)
    if name == DRAWN:
        return f"{name}, drawn by the course itself"
    own = own_folder(name)
    if own is not None:
        return f"{name} from {own} (AECOURSE_DATA)"
    return f"{name} {'from the cache' if at_hand(name) else 'is not here yet; it goes to'} {_cache(name)}"


def fingerprint(name: str | None = None) -> str:
    """Return a short text that identifies the data set's content, without reading images."""
    name = known(name)
    digest = "-".join(SHA256.get(name, {}).values()) or "unrecorded"
    return f"{name}:{hashlib.sha256(digest.encode()).hexdigest()[:8]}"


def cache_folder() -> Path:
    """Return the folder for downloads: ``AECOURSE_CACHE`` if set, else the user's cache folder.

    Raises
    ------
    ModuleNotFoundError
        platformdirs is not installed; the command line and the kernel each have a sentence on it.
    """
    own = settings.folder("AECOURSE_CACHE")
    if own is not None:
        return own
    import platformdirs

    return Path(platformdirs.user_cache_dir("aecourse", appauthor=False))


def own_folder(name: str) -> Path | None:
    """Return the raw folder that AECOURSE_DATA leads to, or None where it is not set or holds only the other data set.

    The variable may also name a folder too deep, …/MNIST or …/MNIST/raw, or any folder in which the files lie: there
    a file's content says which data set it belongs to.
    """
    root = settings.folder("AECOURSE_DATA")
    if root is None:
        return None
    try:
        os.listdir(root)
    except OSError as error:
        raise DataError(lines(f"AECOURSE_DATA names a folder that cannot be opened ({error.strerror or error}):",
                              f"{INDENT}{root}", *_other_folder(name))) from None
    for folder in (root / FOLDERS[name] / "raw", root / FOLDERS[name]):
        if any(os.path.lexists(folder / f"{file}{end}") for file in FILES for end in ("", ".gz")):
            return folder
    for folder in (root / "raw", root):
        if any(_report(folder, file, name).state == "ok" for file in FILES):
            return folder
    return root / FOLDERS[name] / "raw" if name == "mnist" else None


def known(name: str | None) -> str:
    """Return the data set's name, from the environment where None is given; an unknown one raises DataError."""
    asked = str(name or settings.data_set() or "mnist").strip().lower()
    if asked not in (*FOLDERS, DRAWN):
        sentence = f"no data set is named {asked!r}; there are {', '.join(FOLDERS)} and {DRAWN}. "
        raise DataError(lines(f"{sentence}Fix the name.") if name else
                        lines(f"{sentence}AECOURSE_DATASET asks for it. To take the variable away:",
                              *setting("AECOURSE_DATASET", None)))
    return asked


def find(name: str) -> dict[str, Path]:
    """Return name → path of the four files, verified; `NotHere` where they can only come from elsewhere."""
    own = own_folder(name)
    reports = dict(zip(FILES, inspect(name), strict=True))
    bad = {file: report for file, report in reports.items() if report.state != "ok"}
    if bad and own is not None:
        raise DataError(_own_is_bad(name, own, list(bad.values())))
    if bad:
        for report in bad.values():
            if report.state != "missing":
                console.say(lines(f"This file is {report.state}, and it is fetched again:", f"{INDENT}{report.path}"))
        _fetch(name, list(bad))
        reports = dict(zip(FILES, inspect(name), strict=True))
    return {file: report.path for file, report in reports.items()}


def content(path: Path) -> bytes:
    """Return what a raw file holds, unpacked where it is a ``.gz``."""
    return _unpacked(path) if path.suffix == ".gz" else path.read_bytes()


def unwritable(error: OSError, folder: Path) -> str:
    """Return why a folder of the cache cannot be written, and how another one is named."""
    sentence = project.why(error, folder, "take another folder").replace(str(folder), whole(folder))
    return lines(sentence, "Another folder, with 200 MB of space, is named in the terminal, before you start the "
                 "course:", *setting("AECOURSE_CACHE", some_folder()))


# ---- a folder and its files -----------------------------------------------------------------------------------------


def _cache(name: str) -> Path:
    return cache_folder() / FOLDERS[name] / "raw"


def _own_is_bad(name: str, own: Path, bad: list[Report]) -> str:
    if all(report.state == "missing" for report in bad) and len(bad) == len(FILES):
        return lines(f"AECOURSE_DATA names a folder without {TITLES[name]}. These files are missing:",
                     *(f"{INDENT}{report.path}" for report in bad), *_other_folder(name))
    return lines(f"A file of {TITLES[name]} is {bad[0].state}:", f"{INDENT}{bad[0].path}",
                 "AECOURSE_DATA names its folder, and the course only reads there: copy the file again, or take the "
                 "variable away and download it:", *setting("AECOURSE_DATA", None), f"{INDENT}{COMMAND[name]}")


def _other_folder(name: str) -> tuple[str, ...]:
    return (f"Name the folder that holds {FOLDERS[name]}/raw:", *setting("AECOURSE_DATA", some_folder()),
            "or take the variable away and download the files:", *setting("AECOURSE_DATA", None),
            f"{INDENT}{COMMAND[name]}")


def _report(folder: Path, file: str, name: str) -> Report:
    """Return what is found of a file, plain or packed: the whole one of the two, else the plain one if it is there."""
    plain = Report(folder / file, _state(folder / file, file, name))
    if plain.state == "ok":
        return plain
    path = folder / f"{file}.gz"
    packed = Report(path, _state(path, file, name))
    return packed if packed.state == "ok" or plain.state == "missing" != packed.state else plain


def _state(path: Path, file: str, name: str) -> str:
    try:
        if path.suffix != ".gz" and (size := path.stat().st_size) != FILES[file]:
            return "truncated" if size < FILES[file] and path.is_file() else "damaged"
        held = content(path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except EOFError:
        return "truncated"
    except (gzip.BadGzipFile, zlib.error, IsADirectoryError):
        return "damaged"
    except OSError:  # no permission, a broken disk
        return "unreadable"
    return "ok" if hashlib.sha256(held).hexdigest() == SHA256[name][file] else "damaged"


def _unpacked(packed: Path | io.BytesIO) -> bytes:
    with gzip.open(packed) as file:
        return file.read(1 + max(FILES.values()))  # no more, whatever the file would unfold to


# ---- the download ---------------------------------------------------------------------------------------------------


def _failure_file(name: str) -> Path:
    return cache_folder() / f"{name}-download-failed"


def _fetch(name: str, files: list[str]) -> None:
    """Download files into the cache, each written only when it is whole; `NotHere` says why one did not come."""
    _refuse_a_second_try(name)
    cache = _cache(name)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):  # before the download: a folder that cannot be written
            pass
    except OSError as error:
        raise NotHere(unwritable(error, cache)) from None
    console.say(lines(f"Downloading {TITLES[name]} (about {MEGABYTES[name]} MB), once, into", f"{INDENT}{cache}"))
    left, refused = list(files), []
    for mirror in MIRRORS[name]:
        try:
            while left:
                held = _published(mirror, left[0], name)
                if (cache / left[0]).is_dir():  # a folder in a file's place cannot be replaced
                    shutil.rmtree(cache / left[0])
                project.write(cache / left[0], held)
                left.pop(0)
            return
        except download.Refused as error:
            refused.append(error)
        except OSError as error:
            raise NotHere(unwritable(error, cache)) from None
    message = lines(f"{TITLES[name]} could not be downloaded.", *(f"{error.reason}." for error in refused),
                    *chain(*dict.fromkeys(error.advice for error in refused)), *_what_else(name))
    with contextlib.suppress(OSError):
        _failure_file(name).write_text(message.partition("\n")[2], encoding="utf-8")
    raise NotHere(message)


def _refuse_a_second_try(name: str) -> None:
    failed = _failure_file(name)
    with contextlib.suppress(OSError):
        age, why = time.time() - failed.stat().st_mtime, failed.read_text(encoding="utf-8", errors="replace")
        if 0 <= age < REMEMBER:
            raise NotHere(lines(f"{TITLES[name]} could not be downloaded {duration(age)} ago.") + f"\n{why}")


def _published(mirror: str, file: str, name: str) -> bytes:
    """Return a file's content, downloaded and verified."""
    packed = download.get(f"{mirror}{file}.gz")
    with contextlib.suppress(OSError, EOFError, zlib.error):
        held = _unpacked(io.BytesIO(packed))
        if hashlib.sha256(held).hexdigest() == SHA256[name][file]:
            return held
    raise download.Refused(f"{urlsplit(mirror).hostname}: what came is not the published {file} (perhaps a page of "
                           "this network, such as its login)", ())


def _what_else(name: str) -> tuple[str, ...]:
    files, own = f"{FOLDERS[name]}/raw", settings.folder("AECOURSE_DATA")
    if own is not None:
        by_hand: tuple[str, ...] = (
            f"copy {files} of another computer into the folder that AECOURSE_DATA names:", f"{INDENT}{own}")
    else:
        by_hand = (f"copy a folder that holds {files} to this computer, and name it in the terminal, before you start "
                   "the course:", *setting("AECOURSE_DATA", some_folder()))
    return ("With a network, this tries again at once:", f"{INDENT}{COMMAND[name]}",
            f"Without a network, {by_hand[0]}", *by_hand[1:])
