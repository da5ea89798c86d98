"""The one place that imports torchvision.

A CUDA build of torchvision beside a CPU build of torch (pip makes this pair easily) fails at import with
"operator torchvision::nms does not exist". Only compiled operators are missing, and what the benchmarks take from it is
pure Python. Declaring the two missing operators lets the import go through. Lessons and labs need no torchvision.
"""

from types import ModuleType

_declared: list[object] = []  # the Library must stay alive: its declarations vanish with it


def load() -> ModuleType:
    """Return the torchvision module, mending a torch/torchvision pair of different builds where needed.

    Raises
    ------
    ImportError
        torchvision is not installed, or is broken in another way.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        torchvision = _load_with_declared_operators()
    return torchvision


def _load_with_declared_operators() -> ModuleType:
    import sys

    import torch

    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # the failed import leaves half-made modules behind
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
    import torchvision

    return torchvision
