"""`aecourse data --bundle FOLDER`: everything that a computer without a network needs, on one stick."""

import subprocess
import sys
import tempfile
from pathlib import Path

from aecourse import CourseError
from aecourse.base import datafiles, project
from aecourse.base.messages import setting

BUILD = ("setuptools>=68", "wheel")  # what pip needs to install the course itself, where it cannot fetch it


def bundle(folder: Path, root: Path = project.ROOT) -> int:
    """Put the learner's packages and MNIST into a folder, and print how they are used; return 0.

    The packages are those for this system and this Python: a stick for Windows is made on Windows.

    Raises
    ------
    CourseError
        The folder cannot be written, or the packages or MNIST cannot be had.
    """
    project.require_course("data --bundle")
    folder = folder.expanduser().absolute()
    datafiles.fetch("mnist")
    try:
        for report in datafiles.inspect("mnist"):
            project.write(folder / "MNIST" / "raw" / report.path.name, report.path.read_bytes())
    except OSError as error:
        raise CourseError(project.why(error, folder, "choose a folder on a disk with 4 GB of space")) from None
    print(f"MNIST is in {folder / 'MNIST' / 'raw'}. Now the packages (0.5 GB with a CPU build of torch) …", flush=True)
    _download(folder, (root / "requirements.txt").read_text(encoding="utf-8"))
    variable = "\n".join(setting("AECOURSE_DATA", str(folder)))
    print(f"""
The bundle is whole. On a computer without a network, with the same system and Python, with a copy of the course and of
the bundle, type in a terminal in the course's folder (with the bundle's folder there, if it is another one):

    python -m pip install --no-index --find-links "{folder}" -r requirements.txt
{variable}
    python -m aecourse lab""")
    return 0


def _download(folder: Path, requirements: str) -> None:
    wanted = [line for line in requirements.splitlines() if not line.startswith("-e")]
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "requirements.txt"
        file.write_text("\n".join([*wanted, *BUILD]), encoding="utf-8")
        done = subprocess.run([sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--dest", str(folder),
                               "--requirement", str(file)])
    if done.returncode:
        raise CourseError("pip could not download the packages (its own message stands above). With a network and 4 GB "
                          "of space, run the same command again: what is there already is not fetched twice.")
