"""What one sitting of a long lab leaves for the next: tensors, numbers and texts, in a file beside the notebook."""

import io
import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from aecourse import CourseError
from aecourse.base.project import ROOT, save


def keep(name: str, **values: Any) -> None:
    """Write values into the file ``name.pt`` in the current folder; an older one is replaced.

    Values are tensors, numbers, texts, None, and lists, tuples and dictionaries of these. In the course's own folders
    nothing is written; there the file goes to a temporary folder.
    """
    file = io.BytesIO()
    torch.save(values, file)
    path = folder() / f"{name}.pt"
    save(path, file.getvalue())
    print(f"Kept in {path.name}, {len(file.getvalue()) / 1e6:.1f} MB.")


def kept(name: str, sitting: str) -> dict[str, Any]:
    """Return the values of the file ``name.pt``, which the given sitting writes. Nothing that it holds is executed."""
    path = folder() / f"{name}.pt"
    try:
        return torch.load(path, weights_only=True)
    except FileNotFoundError:
        raise CourseError(f"{path.name} is not in this folder. {sitting} writes it, in its last cell: do "
                          f"{sitting[0].lower()}{sitting[1:]} first, or run all of its cells.") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError):
        raise CourseError(f"{path.name} cannot be read. Run the last cell of {sitting[0].lower()}{sitting[1:]} "
                          "again.") from None


def folder() -> Path:
    """Return the current folder, or in the course's own folders a temporary one, the same for the whole process."""
    here = Path.cwd()
    own = here == ROOT or any(here.is_relative_to(ROOT / room) for room in ("notebooks", "exercises", "solutions"))
    return _temporary() if own else here


@cache
def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="aecourse-"))
