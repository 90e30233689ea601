"""Read a network file in NVIDIA's pickle format without running anything that is inside.

A pickle is a program for a small stack machine: its operations build numbers, strings, lists and
dicts, and call what they name. This machine has the operations that build data. For calls it has a
table of names, each of which stands for a function of this file that does no more than keep what it
is given; there are no other names. The source code that such files carry is a string like others.
"""

import io
import math
import mmap
import pickle
import pickletools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_lab.apps.official.checks import shown
from gan_lab.errors import UserError

MOST_OPERATIONS = 2_000_000  # StyleGAN3 at 1024 px takes about a hundredth
MOST_LAYERS = 10_000
DEEPEST = 100  # networks inside networks
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
SCALARS = (str, bytes, int, float, bool, type(None))


class Refused(UserError):
    """The file holds something that a network file has no need of."""


@dataclass
class Module:
    """A network or a layer as the file describes it: its class's name and its attributes."""

    name: str
    attributes: dict[str, object] = field(default_factory=dict)
    source: str = ""  # of its class; text that nobody runs

    def __getitem__(self, name: str) -> object:
        """A plain attribute, or a layer inside by its dotted name."""
        found: object = self
        for part in name.split("."):
            if not isinstance(found, Module):
                raise KeyError(name)
            layers = found.layers
            found = layers[part] if part in layers else found.attributes[part]
        return found

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True

    @property
    def layers(self) -> dict[str, "Module"]:
        """The networks directly inside."""
        found = self._members("_modules")
        return {name: layer for name, layer in found.items() if isinstance(layer, Module)}

    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers, named as in a state dict."""
        found: dict[str, Tensor] = {}
        waiting, seen = [("", 0, self)], 0
        while waiting:
            path, depth, module = waiting.pop()
            seen += 1
            if depth > DEEPEST or seen > MOST_LAYERS:
                raise Refused(f"its networks hold more than {MOST_LAYERS} layers, or each other")
            for kind in ("_parameters", "_buffers"):
                for name, value in module._members(kind).items():
                    if isinstance(value, Tensor):
                        found[f"{path}{name}"] = value
            inside = module.layers.items()
            waiting += [(f"{path}{name}.", depth + 1, layer) for name, layer in inside]
        return found

    def _members(self, kind: str) -> dict[str, object]:
        members = self.attributes.get(kind, {})
        return members if isinstance(members, dict) else {}


@dataclass(frozen=True)
class Name:
    """What a pickled name stands for here; a call of it calls `make`."""

    name: str
    make: Callable[..., object]
    calls: bool = True  # by a call; else by creating an instance and giving it its attributes


@dataclass
class DType:
    """A numpy number format, such as <f8."""

    code: str
    order: str = "<"

    def restore(self, state: object) -> None:
        self.order = _expect(state, tuple)[1]

    def numpy(self) -> np.dtype:
        if self.code not in DTYPES or self.order not in "<>|=":
            raise Refused(f"it holds a numpy array of {shown(self.code)}, not of plain numbers")
        return np.dtype(self.order + self.code)


@dataclass
class Array:
    """A numpy array of plain numbers."""

    values: np.ndarray | None = None

    def restore(self, state: object) -> None:
        _, shape, dtype, fortran, data = _expect(state, tuple)
        self.values = _array(data, dtype, shape, "F" if fortran else "C")


DTYPES = {f"{kind}{size}" for kind in "iuf" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}


def read_official(path: Path) -> object:
    """What a network file holds, made of plain values, tensors and `Module`s.

    Raises:
        UserError: no such file, not a pickle, cut short, or refused.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _refuse_other_formats(data)
            return Machine().run(data)
    except Refused as error:
        raise Refused(f"{path}: refused, since {error}; nothing in it was run") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path}: not a network file, or cut short ({reason})") from None


def _refuse_other_formats(data: mmap.mmap) -> None:
    if data[:2] == b"PK":
        raise Refused(
            "it is a zip archive such as torch.save writes, not a pickle of NVIDIA's training code"
        )


class Machine:
    """The stack machine of pickle, with its data operations and the names of `NAMES` alone."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.below: list[list[object]] = []  # stacks under the marks that are set
        self.memo: dict[int, object] = {}

    def run(self, data: mmap.mmap) -> object:
        for count, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if count > MOST_OPERATIONS:
                raise Refused(f"it takes more than {MOST_OPERATIONS:,} operations to build")
            if operation.name == "STOP":
                return self.stack.pop()
            self.step(operation.name, argument)
        raise ValueError("no end")

    def step(self, operation: str, argument: object) -> None:
        """One operation of the protocols 2 to 5."""
        stack = self.stack
        match operation:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(CONSTANTS[operation])
            case "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                stack.append(argument)
            case "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8" | "BYTEARRAY8":
                stack.append(bytes(argument))
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_SET":
                stack.append(EMPTY[operation]())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack[-int(operation[-1]) :] = [tuple(stack[-int(operation[-1]) :])]
            case "MARK":
                self.below.append(stack)
                self.stack = []
            case "TUPLE" | "LIST":
                items = self.to_mark()
                self.stack.append(tuple(items) if operation == "TUPLE" else items)
            case "DICT" | "SETITEMS":
                items = self.to_mark()
                if operation == "DICT":
                    self.stack.append({})
                _put(self.stack[-1], items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _put(stack[-1], [key, value])
            case "APPEND":
                item = stack.pop()
                _expect(stack[-1], list).append(item)
            case "APPENDS":
                items = self.to_mark()
                _expect(self.stack[-1], list).extend(items)
            case "ADDITEMS":
                items = self.to_mark()
                _expect(self.stack[-1], set).update(_scalars(items))
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                self.memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET" | "GET":
                stack.append(self.memo[argument])
            case "POP" | "DUP":
                stack.append(stack[-1]) if operation == "DUP" else stack.pop()
            case "GLOBAL":
                stack.append(_named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_named(module, name))
            case "REDUCE" | "NEWOBJ":
                arguments, called = _expect(stack.pop(), tuple), _expect(stack.pop(), Name)
                if called.calls != (operation == "REDUCE"):
                    raise Refused(f"it uses {called.name} in an unusual way")
                stack.append(called.make(*arguments))
            case "BUILD":
                state = stack.pop()
                _restore(stack[-1], state)
            case _:
                raise Refused(f"it uses pickle's operation {operation}")

    def to_mark(self) -> list[object]:
        """The items above the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items


def _named(module: object, name: object) -> Name:
    path = f"{_expect(module, str)}.{_expect(name, str)}"
    if path.startswith("dnnlib.tflib."):
        raise Refused(
            f"it holds a TensorFlow network ({shown(path)}); convert it with legacy.py of the"
            " stylegan3 repository, then import what that writes"
        )
    if path not in NAMES:
        raise Refused(f"it would call {shown(path)}, which no network file needs")
    return NAMES[path]


def _restore(instance: object, state: object) -> None:
    """Give an instance its attributes."""
    if isinstance(instance, Module):
        instance.attributes = _expect(state, dict)
    elif isinstance(instance, DType | Array):
        instance.restore(state)
    else:
        raise Refused(f"it sets attributes of a {type(instance).__name__}")


def _put(target: object, items: list[object]) -> None:
    _scalars(items[::2])
    _expect(target, dict).update(zip(items[::2], items[1::2], strict=True))


def _scalars(items: list[object]) -> list[object]:
    """Keys of dicts and members of sets; hashing nested tuples can take for ever."""
    for item in items:
        _expect(item, SCALARS)
    return items


def _expect(value: object, kind: type | tuple[type, ...]) -> object:
    if not isinstance(value, kind):
        raise Refused(f"it has a {type(value).__name__} where none belongs")
    return value


# What the names stand for ------------------------------------------------------------------------


def _persistent(meta: dict) -> Module:
    """An instance of a class that was pickled along with its source."""
    meta = _expect(meta, dict)
    state, source = meta.get("state"), meta.get("module_src", "")
    name = _expect(meta.get("class_name"), str)
    return Module(name, _expect(state, dict), source if isinstance(source, str) else "")


def _storage(payload: bytes) -> Tensor:
    """All numbers of a storage (N,), which torch.save wrote; torch reads them and calls nothing."""
    payload = _expect(payload, bytes)
    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, on what it then refuses
            storage = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = " ".join(str(error).split())
        raise Refused(f"torch refuses the numbers of a tensor ({reason[:120]} ...)") from None
    except (RuntimeError, EOFError, AttributeError, AssertionError) as error:
        raise ValueError(f"a tensor's numbers are damaged: {error}") from None
    untyped = _expect(storage, torch.storage.TypedStorage)._untyped_storage
    return torch.empty(0, dtype=storage.dtype).set_(untyped)


def _tensor(numbers: Tensor, offset: int, size: tuple, stride: tuple, *_: object) -> Tensor:
    """A view of a storage's numbers; it must lie inside."""
    available = _expect(numbers, Tensor).numel()
    counts = [offset, *_expect(size, tuple), *_expect(stride, tuple)]
    if any(not isinstance(count, int) or count < 0 for count in counts):
        raise Refused("it has a tensor whose shape is not made of counts")
    count = math.prod(size)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if count > available or (count and last >= available):
        raise Refused("it has a tensor that is larger than its numbers")
    return numbers.as_strided(size, stride, offset)


def _parameter(data: Tensor, *_: object) -> Tensor:
    return _expect(data, Tensor)


def _array(data: object, dtype: object, shape: object, order: object) -> np.ndarray:
    values = np.frombuffer(_expect(data, bytes), _expect(dtype, DType).numpy())
    return values.reshape(_expect(shape, tuple), order="F" if order == "F" else "C")


def _scalar(dtype: DType, data: bytes) -> int | float | bool:
    """A single numpy number."""
    return _array(data, dtype, (), "C").item()


def _never(*_: object) -> object:
    raise Refused("it calls a name that is only a value")


def _set(items: list = ()) -> set:
    return set(_scalars(list(_expect(items, list | tuple))))


def _ordered(items: list = ()) -> OrderedDict:
    ordered: OrderedDict = OrderedDict()
    for pair in _expect(items, list | tuple):
        _put(ordered, list(_expect(pair, list | tuple)))
    return ordered


def _names() -> Iterator[Name]:
    """All that a network file may name."""
    yield Name("torch_utils.persistence._reconstruct_persistent_obj", _persistent)
    yield Name("torch._utils._rebuild_tensor_v2", _tensor)
    yield Name("torch._utils._rebuild_parameter", _parameter)
    yield Name("torch.storage._load_from_bytes", _storage)
    yield Name("torch.Size", lambda size: tuple(_expect(size, list | tuple)))
    yield Name("collections.OrderedDict", _ordered)
    yield Name("builtins.set", _set)
    yield Name("dnnlib.util.EasyDict", dict, calls=False)
    for numpy in ("numpy.core", "numpy._core"):
        yield Name(f"{numpy}.multiarray.scalar", _scalar)
        yield Name(f"{numpy}.multiarray._reconstruct", lambda *_: Array())
        yield Name(f"{numpy}.numeric._frombuffer", lambda *parts: Array(_array(*parts)))
    yield Name("numpy.ndarray", _never)  # named as an argument
    yield Name("numpy.dtype", lambda code, *_: DType(_expect(code, str)))
    for dtype in ("float32", "float16", "bfloat16"):
        yield Name(f"torch.{dtype}", _never)  # named as a value
    for path in (
        "torch.nn.modules.container.ModuleList",
        "torch.nn.modules.conv.Conv2d",
        "torch.nn.modules.linear.Linear",
        "training.networks.Generator",
        "training.networks.Discriminator",
        *(f"R3GAN.Networks.{name}" for name in R3GAN_LAYERS),
        *(f"R3GAN.Resamplers.Interpolative{name}" for name in R3GAN_RESAMPLERS),
        *(f"R3GAN.FusedOperators.BiasedActivation{kind}" for kind in ("CUDA", "Reference")),
    ):
        yield Name(path, lambda path=path: Module(path), calls=False)


R3GAN_LAYERS = (
    "Generator",
    "Discriminator",
    "GeneratorStage",
    "DiscriminatorStage",
    "GenerativeBasis",
    "DiscriminativeBasis",
    "UpsampleLayer",
    "DownsampleLayer",
    "ResidualBlock",
    "Convolution",
)
R3GAN_RESAMPLERS = (
    "UpsamplerCUDA",
    "DownsamplerCUDA",
    "UpsamplerReference",
    "DownsamplerReference",
)
NAMES = {name.name: name for name in _names()}
