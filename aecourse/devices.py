"""Where `fit` computes: the CPU, unless the environment variable ``AECOURSE_DEVICE`` or the caller says otherwise.

The stored numbers are a CPU's, and for the small networks of this course it is fast enough.
"""

from typing import Any

import torch

from aecourse import CourseError
from aecourse.base import settings


def chosen(asked: str | torch.device | None = None) -> torch.device:
    """Return the device that was asked for; None asks ``AECOURSE_DEVICE``, and where that is not set, the CPU.

    "cuda", "mps" and "cpu" are devices, with a number ("cuda:1") where there are several; "auto" is the first of these
    that is there.

    Raises
    ------
    CourseError
        There is no such device on this computer, or PyTorch knows none of that name.
    """
    name = str(settings.text("AECOURSE_DEVICE") if asked is None else asked).strip().lower() or "cpu"
    if name == "auto":
        name = there()[0]
    try:
        device = torch.device(name)
    except RuntimeError:  # not a name that PyTorch knows
        device = None
    if device is None or (device.index or 0) >= _count(device.type):
        where = "AECOURSE_DEVICE" if asked is None else "device="
        raise CourseError(f"there is no device {name!r} here; {where} may be {', '.join(there())} or auto.")
    return device


def there() -> list[str]:
    """Return the kinds of devices that are here, among "cuda", "mps" and, always, "cpu"."""
    return [kind for kind in ("cuda", "mps", "cpu") if _count(kind)]


def describe() -> str:
    """Return in words what `fit` computes on: "cpu, 2 threads" or "cuda, NVIDIA H100"."""
    device = chosen()
    if device.type == "cpu":
        return f"cpu, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"
    return f"{device}, {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)


def _count(kind: str) -> int:
    """Return how many devices of a kind are there; each kind is a module of torch that knows."""
    module: Any = getattr(torch, kind, None)
    return module.device_count() if hasattr(module, "is_available") and module.is_available() else 0
