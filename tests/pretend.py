"""A pretend accelerator: a second device, "pretend", for machines without a graphics card.

Its tensors are CPU tensors underneath. As on a real card, an operation refuses tensors of another device, except for
single numbers and for the indices of ``x[index]``; a generator of another device; and NumPy. So code that makes an
index, a sample or a constant on the CPU for data on the card fails here too, with the error that a card gives.

Inside ``with Accelerator():`` operators are watched, so that those which make a tensor (``torch.rand(...,
device="pretend")``) and those which move one (``x.to("pretend")``) work as well; code that never uses the device
computes as fast outside.
"""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretend"


class _Module:
    """What `torch.pretend` says of its one device; its random state is the seed, up to 64 bits of it."""

    state = 0

    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    _is_in_bad_fork = staticmethod(lambda: False)

    def manual_seed_all(self, seed: int) -> None:
        self.state = seed

    def get_rng_state(self, device=0) -> int:
        return self.state

    def set_rng_state(self, state: int, device=0) -> None:
        self.state = state


backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
_DEVICE = torch.device(NAME, 0)


class Tensor(torch.Tensor):
    """A tensor on the pretend device; ``inner`` is the CPU tensor that holds its numbers."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "Tensor":
        outer = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=_DEVICE)
        outer.inner = inner
        return outer

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})

    def numpy(self, *, force: bool = False):
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                        "host memory first.")

    def __array__(self, *_):
        return self.numpy()

    def tolist(self) -> list:
        return self.cpu().tolist()


class Generator(torch.Generator):
    """A generator that knows its device: on the pretend one it is a CPU generator with that mark."""

    def __new__(cls, device="cpu"):
        generator = super().__new__(cls)
        generator.place = torch.device(device)
        return generator

    @property
    def device(self) -> torch.device:
        return self.place


class _Functions(TorchFunctionMode):
    """What the dispatcher below does not see: a generator's mark, and tensors that are made of Python's numbers."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        target = kwargs.get("device")
        here = (torch.device(target).type == NAME if target is not None else
                any(isinstance(leaf, Tensor) for leaf in tree_leaves((args, kwargs))))
        generator = kwargs.get("generator")
        if generator is not None and (generator.device.type == NAME) != here:
            raise RuntimeError(f"Expected a '{NAME if here else 'cpu'}' device type for generator but found "
                               f"'{generator.device.type}'")
        if here and function in (torch.tensor, torch.as_tensor):
            return function(*args, **{**kwargs, "device": "cpu"}).to(NAME)
        return function(*args, **kwargs)


class Accelerator(TorchDispatchMode):
    """Inside, operators that make and move tensors know the device; ``reads`` counts how often it was read back."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.operations = 0
        self._functions = _Functions()

    def __enter__(self):
        self._functions.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self._functions.__exit__(*error)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        here = any(isinstance(leaf, Tensor) for leaf in tree_leaves((args, kwargs)))
        self.operations += here
        self.reads += here and (function is torch.ops.aten._local_scalar_dense.default
                                or torch.device((kwargs or {}).get("device") or NAME).type == "cpu")
        return _compute(function, args, kwargs or {})


def _compute(function, args, kwargs):
    leaves = tree_leaves((args, kwargs))
    outer = {id(leaf.inner): leaf for leaf in leaves if isinstance(leaf, Tensor)}
    target = kwargs.get("device")
    if target is None:
        _refuse_a_mix(function, args, leaves)
        on_device = bool(outer)
    else:
        on_device = torch.device(target).type == NAME
        kwargs = {**kwargs, "device": torch.device("cpu")}
    result = function(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    if not on_device or (function is torch.ops.aten.copy_.default and not isinstance(args[0], Tensor)):
        return result

    def wrapped(part):
        if not isinstance(part, torch.Tensor):
            return part
        return outer[id(part)] if id(part) in outer else Tensor(part)  # in place: the very tensor that was given

    return tree_map(wrapped, result)


def _refuse_a_mix(function, args, leaves) -> None:
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    elsewhere = [leaf for leaf in tensors if not isinstance(leaf, Tensor)]
    if not elsewhere or len(elsewhere) == len(tensors) or function is torch.ops.aten.copy_.default:
        return
    if torch.Tag.pointwise in function.tags and all(leaf.dim() == 0 for leaf in elsewhere):
        return  # a single number may lie on the CPU
    if function.overloadpacket in (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_) and (
            isinstance(args[0], Tensor) and not any(leaf is value for leaf in elsewhere for value in args[2:3])):
        return  # the indices of x[index] may lie on the CPU; those of index_select, gather, scatter may not
    raise RuntimeError(f"Expected all tensors to be on the same device, but got {function} with tensors on {NAME}:0 "
                       "and on cpu")


def _inner(leaf):
    return leaf.inner if isinstance(leaf, Tensor) else leaf
