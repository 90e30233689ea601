"""Checked configuration: Python signatures are the schema of the yaml files.

A node with a `_target_` must bind to the signature of what it names, and combinations that cannot
work are refused; both before any picture is read. Messages name the option, its value and the
nearest thing that would have been right.
"""

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lab.errors import UserError
from gan_lab.spelling import suggestion

SPECIAL = {"_target_", "_partial_", "_recursive_", "_convert_", "_args_"}
CLASSES = "${data.num_classes}"  # how a model's yaml says that it takes labels
MEDIUM = "${data.medium."  # how it names what it has to know of the samples


def validate(cfg: DictConfig) -> None:
    """Refuse a config with a node that its `_target_` would not take; nothing is built.

    Interpolations of what only the data know are left alone.
    """
    problems = _wrong_trainer_numbers(cfg) if "trainer" in cfg else []
    for problem in _problems(_plain(cfg), ""):
        option = problem.partition("=")[0]  # said once, however many nodes follow an option
        if not any(said.startswith(f"{option}=") for said in problems):
            problems.append(problem)
    if problems:
        raise UserError("\n".join(problems))
    precision = str(OmegaConf.select(cfg, "trainer.precision"))
    if precision.startswith("16") and _on_cpu(cfg):
        raise UserError(
            f"trainer.precision={precision} needs a GPU: fp16 on a CPU is slow and has no scaler. "
            "Use trainer.precision=32-true or bf16-mixed there."
        )


def refuse_impossible(cfg: DictConfig, data: object) -> None:
    """Refuse combinations of model, data and machine that cannot work, before pixels are read.

    Args:
        cfg: the composed config.
        data: the data module, constructed; only its facts are asked.
    """
    data_name, model_name = (cfg.get(f"{group}_name") or group for group in ("data", "model"))
    if data.num_classes is None and CLASSES in _values(OmegaConf.to_container(cfg.model)):
        raise UserError(
            f"model={model_name} takes labels, but data={data_name} has none. Use data with labels "
            "(data.labelled=true where it has the option) or an unconditional model."
        )
    takes = getattr(locate(cfg.model._target_), "takes", ())
    if not set(takes) <= set(data.gives):
        fitting = " or ".join(f"data={name}" for name in data_that_give(takes))
        raise UserError(
            f"model={model_name} learns from {' and '.join(takes)}, but data={data_name} gives "
            f"{' and '.join(data.gives)}. Choose {fitting or 'data of that kind'}."
        )
    for value in map(str, _values(OmegaConf.to_container(cfg.model))):
        fact = value.removeprefix(MEDIUM).removesuffix("}")
        if value == f"{MEDIUM}{fact}}}" and OmegaConf.select(cfg, f"data.medium.{fact}") is None:
            raise UserError(
                f"model={model_name} needs the samples' {fact}, which data={data_name} has not."
                f" Choose data of the kind that conf/model/{model_name}.yaml begins with."
            )
    accumulate = OmegaConf.select(cfg, "model.accumulate") or 1
    processes = num_processes(cfg)
    if data.batch_size % (processes * accumulate):
        raise UserError(
            f"data.batch_size={data.batch_size} does not divide into trainer.devices * "
            f"trainer.num_nodes = {processes} processes times model.accumulate={accumulate} parts. "
            f"The next one that does is {_next_multiple(data.batch_size, processes * accumulate)}."
        )


def data_that_give(takes: Sequence[str]) -> list[str]:
    """Names of the data configs whose batches hold what a model takes."""
    found = []
    for file in sorted((Path(__file__).parents[1] / "conf/data").glob("*.yaml")):
        gives = getattr(locate(OmegaConf.load(file)._target_), "gives", ())
        if set(takes) <= set(gives):
            found.append(file.stem)
    return found


def build(cfg: DictConfig, name: str) -> object:
    """Make the noun `cfg.<name>`; a constructor's ValueError becomes a message about that key."""
    import hydra.errors
    from hydra.utils import instantiate

    try:
        return instantiate(cfg[name], _convert_="all")
    except hydra.errors.InstantiationException as error:
        cause = root_cause(error)
        if not isinstance(cause, ValueError):
            raise
        where = str(error).rpartition("full_key: ")[2] if "full_key: " in str(error) else name
        raise UserError(f"{where}: {cause}{_what_the_data_are(cfg, name)}") from error


def root_cause(error: BaseException) -> BaseException:
    """The exception that started a chain of `raise ... from`."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def num_processes(cfg: DictConfig) -> int:
    """How many processes the trainer config asks for; 1 where Lightning is to find out."""
    devices = OmegaConf.select(cfg, "trainer.devices")
    if isinstance(devices, str) and devices.isdigit():
        devices = int(devices)
    if OmegaConf.is_list(devices):
        devices = len(devices)
    if not isinstance(devices, int) or devices < 1:
        devices = 1
    return devices * (OmegaConf.select(cfg, "trainer.num_nodes") or 1)


def parameters(target: Callable) -> dict[str, inspect.Parameter] | None:
    """The named parameters of a callable; None if any keyword would do.

    `**kwargs` of a constructor is taken to be handed to the class above it.
    """
    constructors = [target]
    if inspect.isclass(target):
        constructors = [c.__init__ for c in target.__mro__ if "__init__" in vars(c)]
    found: dict[str, inspect.Parameter] = {}
    for constructor in constructors:
        named = list(inspect.signature(constructor).parameters.values())
        if constructor is not target:
            named = named[1:]  # self
        for parameter in named:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                found.setdefault(parameter.name, parameter)
        if all(parameter.kind != parameter.VAR_KEYWORD for parameter in named):
            return found
    return None


def locate(target: str) -> Callable:
    """What a `_target_` names; a UserError names the nearest thing in its module.

    Not `hydra.utils.get_object`, which also logs what it raises.
    """
    parts = target.split(".")
    for depth in range(len(parts), 0, -1):
        name = ".".join(parts[:depth])
        try:
            found = importlib.import_module(name)
            break
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise UserError(f"{target} needs the package `{error.name}`.") from error
        except ImportError as error:
            raise UserError(f"{target} cannot be imported: {error}") from error
    else:
        raise UserError(f"{target}: there is no package `{parts[0]}`.")
    for position in range(depth, len(parts)):
        part = parts[position]
        if not hasattr(found, part):
            siblings = [key for key in vars(found) if not key.startswith("_")]
            if hasattr(found, "__path__"):
                siblings += [module.name for module in pkgutil.iter_modules(found.__path__)]
            raise UserError(
                f"{'.'.join(parts[:position])} has no `{part}`.{suggestion(part, siblings)}"
            )
        found = getattr(found, part)
    return found


def _problems(node: object, path: str) -> Iterator[str]:
    """One sentence for each node that its target would refuse."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from _problems(child, f"{path}[{index}]")
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        try:
            yield from _unbound(node, path, locate(node["_target_"]))
        except UserError as error:
            yield f"{path}._target_: {error}"
    for key, child in node.items():
        yield from _problems(child, f"{path}.{key}" if path else str(key))


def _unbound(node: dict, path: str, target: Callable) -> Iterator[str]:
    """What keeps a node from being the arguments of its target."""
    known = parameters(target)
    # What the builder adds to the data's node for interpolation.
    facts = set(target.facts) if path == "data" and hasattr(target, "facts") else set()
    given = {k: v for k, v in node.items() if k not in SPECIAL | facts}
    name = node["_target_"]
    for key, value in given.items():
        if known is not None and key not in known:
            yield f"{path}.{key}={value}: {name} has no `{key}`.{suggestion(key, known)}"
    if known is None or "_args_" in node:
        return
    hints = _hints(target)
    for key, value in given.items():
        option = f"{path}.{key}"
        if isinstance(value, Followed):
            option, value = value.option, value.value
        if key in known and not accepts(hints.get(key, object), value):
            wanted = hints[key]
            wanted = (
                wanted.__name__ if inspect.isclass(wanted) else str(wanted).replace("typing.", "")
            )
            yield f"{option}={value}: {name} takes {wanted} there, not {type(value).__name__}."
    if not node.get("_partial_"):
        for key, parameter in known.items():
            if parameter.default is parameter.empty and key not in given:
                yield f"{path}: {name} needs `{key}`, which is not given."


@dataclass(frozen=True)
class Followed:
    """A scalar that an interpolation such as ${trainer.kimg} stands for."""

    option: str
    value: object

    def __str__(self) -> str:
        return str(self.value)


def _plain(node: object) -> object:
    """Dicts and lists of a config; interpolations of other options' scalars are `Followed`."""
    if OmegaConf.is_dict(node):
        return {key: _plain_child(node, key) for key in node.keys()}  # noqa: SIM118
    if OmegaConf.is_list(node):
        return [_plain_child(node, index) for index in range(len(node))]
    return node


def _plain_child(parent: DictConfig | ListConfig, key: str | int) -> object:
    node = parent._get_node(key)
    if not node._is_interpolation():
        return _plain(parent[key]) if not OmegaConf.is_missing(parent, key) else "${missing}"
    raw = node._value()
    try:
        value = parent[key]
    except OmegaConfBaseException:
        return raw  # a fact that is not known yet
    option = raw[2:-1]
    simple = raw.startswith("${") and option.replace(".", "").replace("_", "").isalnum()
    return raw if OmegaConf.is_config(value) or not simple else Followed(option, value)


def _wrong_trainer_numbers(cfg: DictConfig) -> list[str]:
    """Options of the trainer group that are no positive number; callbacks read them as such."""
    wrong = []
    for key, value in _plain(cfg.trainer).items():
        if "kimg" in key and not (accepts(float, value) and value > 0):
            wrong.append(f"trainer.{key}={value}: must be a number above 0.")
    return wrong


def accepts(annotation: object, value: object) -> bool:
    """Whether a plain yaml value can be what a parameter is annotated as; unsure counts as yes."""
    if isinstance(value, str) and "${" in value or isinstance(value, dict):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(accepts(argument, value) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if annotation in (None, type(None)):
        return value is None
    if annotation in (bool, str):
        return isinstance(value, annotation)
    if annotation in (int, float):
        numbers = (int,) if annotation is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    return True


def _hints(target: Callable) -> dict[str, object]:
    """Annotations of a callable's parameters, those of the classes above it included."""
    constructors = [target]
    if inspect.isclass(target):
        constructors = [c.__init__ for c in reversed(target.__mro__) if "__init__" in vars(c)]
    hints: dict[str, object] = {}
    for constructor in constructors:
        try:
            hints |= typing.get_type_hints(constructor)
        except (NameError, TypeError):  # a C type, or a name that only a type checker sees
            continue
    return hints


def _values(node: object) -> Iterator[object]:
    """Every scalar in nested dicts and lists, interpolations as they are written."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _values(child)
    else:
        yield node


def _on_cpu(cfg: DictConfig) -> bool:
    accelerator = OmegaConf.select(cfg, "trainer.accelerator")
    if accelerator in (None, "auto"):
        import torch

        return not torch.cuda.is_available()
    return accelerator == "cpu"


def _what_the_data_are(cfg: DictConfig, name: str) -> str:
    """For a model that cannot be made: the options that its size comes from."""
    shape = OmegaConf.select(cfg, "data.shape")
    if name != "model" or shape is None:
        return ""
    resolution = OmegaConf.select(cfg, "data.resolution")
    resolution = "" if resolution is None else f" at data.resolution={resolution}"
    choice = f"model={cfg.get('model_name')} on data={cfg.get('data_name')}{resolution}"
    return f" ({choice}, shape {list(shape)})"


def _next_multiple(number: int, factor: int) -> int:
    return -(-number // factor) * factor
