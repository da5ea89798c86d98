"""Pictures of the built lessons that README.md shows: a cell with the tag ``picture-NAME`` gives NAME.png."""

import base64
from pathlib import Path

from aecourse import CourseError
from aecourse.base import project

TAG = "picture-"


def pictures(root: Path) -> dict[Path, bytes]:
    """Return file → PNG of every tagged cell in the built lessons.

    Raises
    ------
    CourseError
        A tagged cell shows no picture, or a name is taken twice.
    """
    found: dict[Path, bytes] = {}
    for path in project.lessons(root).values():
        for cell in project.load(path).cells:
            for tag in cell.metadata.get("tags", []):
                if tag.startswith(TAG):
                    target = root / "notebooks" / "pictures" / f"{tag.removeprefix(TAG)}.png"
                    png = [o["data"]["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
                    if len(png) != 1 or target in found:
                        raise CourseError(f"{path.name}: the cell tagged {tag!r} must show one picture of its own "
                                          "name.")
                    found[target] = base64.b64decode(png[0])
    return found


def write(root: Path) -> None:
    """Write the pictures that changed."""
    for path, png in pictures(root).items():
        if not path.is_file() or path.read_bytes() != png:
            project.write(path, png)
            print(f"{path.relative_to(root).as_posix()}: written", flush=True)


def problems(root: Path) -> list[str]:
    """Return a line for each picture that is missing, differs from its lesson's, or belongs to none."""
    wanted = pictures(root)
    there = set((root / "notebooks" / "pictures").glob("*"))
    lines = [path for path, png in wanted.items() if not path.is_file() or path.read_bytes() != png]
    lines += sorted(there - set(wanted))
    return [f"{path.relative_to(root).as_posix()}: differs from the picture in its lesson" for path in lines]
