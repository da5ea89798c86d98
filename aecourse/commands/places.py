"""Which folders can be written, and a temporary one for what Jupyter and downloads cannot write at home."""

import atexit
import errno
import os
import sys
import tempfile
from pathlib import Path

from aecourse import CourseError

ROOM = 2**16  # bytes that a place must hold: a full disk still takes the name of a file


def prepare() -> str:
    """Let what cannot be written go to a temporary folder, for this process and its kernels.

    Returns
    -------
    A sentence that says so, "" where every place can be written.

    Raises
    ------
    CourseError
        The folder for temporary files cannot be written either.
    """
    closed = {name: folder for name, folder in _places().items() if not holds(folder)}
    if not closed:
        return ""
    try:
        room = tempfile.TemporaryDirectory(prefix="aecourse-", ignore_cleanup_errors=True)
    except OSError:
        room = None
    if room is None or not holds(Path(room.name)):
        raise CourseError("neither your home folder nor the folder for temporary files can be written: free some "
                          "space, or set TMPDIR to the absolute path of a folder that you may write.")
    atexit.register(room.cleanup)
    for name in closed:
        os.environ[name] = str(Path(room.name) / name.lower())
        os.mkdir(os.environ[name], 0o700)
    home = Path(os.path.expanduser("~"))
    named = [home] if "HOME" in closed or not holds(home) else closed.values()
    return (f"No permission to write in {', '.join(map(str, named))}, or no space: settings and downloads go to a "
            "temporary folder, and are lost when the course is closed.")


def holds(folder: Path) -> bool:
    """Return whether a small file can be written in a folder, or where the folder would be made."""
    return trouble(folder) is None


def trouble(folder: Path) -> OSError | None:
    """Return what keeps a small file from being written in a folder, or where the folder would be made."""
    blocked = any(os.path.lexists(path) and not os.path.isdir(path) for path in (folder, *folder.parents))
    if blocked or not folder.is_absolute():  # a "~" that stayed as it was is not absolute
        return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    try:
        with tempfile.TemporaryFile(dir=nearest(folder)) as file:
            file.write(bytes(ROOM))
    except OSError as error:
        return error
    return None


def nearest(folder: Path) -> Path:
    """Return the folder itself, or the first one above it that is there."""
    return next((path for path in (folder, *folder.parents) if os.path.isdir(path)), folder)


def _places() -> dict[str, Path]:
    """Return variable → the folder that its program writes to as things are."""
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():  # a user without a home folder
        return {"HOME": home}
    from jupyter_core import paths

    from aecourse.base import datafiles

    config = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    pictures = Path(config, "matplotlib") if sys.platform.startswith("linux") else home / ".matplotlib"
    places = {
        "JUPYTER_RUNTIME_DIR": Path(paths.jupyter_runtime_dir()),
        "JUPYTER_DATA_DIR": Path(paths.jupyter_data_dir()),
        "JUPYTER_CONFIG_DIR": Path(paths.jupyter_config_dir()),
        "IPYTHONDIR": Path(os.environ.get("IPYTHONDIR") or home / ".ipython"),
        "MPLCONFIGDIR": Path(os.environ.get("MPLCONFIGDIR") or pictures),
    }
    if not os.environ.get("AECOURSE_CACHE"):  # a place that was chosen is not changed
        places["AECOURSE_CACHE"] = datafiles.cache_folder()
    return places
