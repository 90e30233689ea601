"""Entry points: `hydra.main`, with one clear message for each mistake on the command line."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf

from gan_lab import trial
from gan_lab.config import locate, parameters, root_cause
from gan_lab.errors import UserError, command
from gan_lab.spelling import nearest, suggestion

FULL_ERROR = "HYDRA_FULL_ERROR"


def entry(config_name: str, config_path: str = "conf") -> Callable:
    """`hydra.main` for a script: mistakes cost one message and exit code 2, not a traceback.

    A misspelt option or choice is named with the nearest right one. A `UserError` of the task, or
    a `ValueError` of something that it instantiates, is printed as it is. What the task returns is
    handed back to the multirun that it may be a trial of. `HYDRA_FULL_ERROR=1` shows everything.

    Args:
        config_name: the primary config, without .yaml.
        config_path: its folder, relative to the script.
    """

    def decorate(task: Callable[[DictConfig], float | None]) -> Callable[[], None]:
        folder = Path(task.__code__.co_filename).resolve().parent / config_path
        full_error = os.environ.get(FULL_ERROR)

        @command
        @functools.wraps(task)
        def run(cfg: DictConfig) -> float | None:
            if full_error is None:
                os.environ.pop(FULL_ERROR, None)  # composed: Hydra may shorten tracebacks again
            try:
                value = task(cfg)
            except InstantiationException as error:
                if full_error is None and isinstance(root_cause(error), ValueError):
                    raise UserError(str(root_cause(error))) from error
                raise
            trial.hand_back(value)
            return value

        main = hydra.main(str(folder), config_name, version_base="1.3")(run)

        @command
        @functools.wraps(task)
        def start() -> None:
            os.environ.setdefault(FULL_ERROR, "1")  # have Hydra hand us what it would print
            try:
                main()
            except trial.TrialsFailed as error:
                print(f"error: {error}", file=sys.stderr)
                sys.exit(1)
            except KeyboardInterrupt:
                print("stopped", file=sys.stderr)
                sys.exit(130)
            except HydraException as error:
                if full_error is not None:
                    raise
                raise UserError(explain(error, folder, config_name, sys.argv[1:])) from error

        return start

    return decorate


def explain(error: HydraException, folder: Path, config_name: str, arguments: list[str]) -> str:
    """Say in a sentence or two what is wrong with a command line that did not compose."""
    own_config = any(a.startswith(("--config", "-c")) for a in arguments)
    found = [] if own_config else mistakes(folder, config_name, arguments)
    if found:
        return "\n".join(found)
    lines = [str(error).strip()]
    if error.__cause__ is not None:
        lines.append(str(error.__cause__).strip())
    return "\n".join(line for line in lines if line)


def mistakes(folder: Path, config_name: str, arguments: list[str]) -> list[str]:
    """One sentence for each misspelt override among a script's arguments.

    Args:
        folder: of the configs.
        config_name: the primary config, without .yaml.
        arguments: the command line without the script; flags are passed over.
    """
    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    with hydra.initialize_config_dir(str(folder), version_base="1.3"):
        return list(_mistakes(config_name, overrides))


def _mistakes(config_name: str, arguments: list[str]) -> Iterator[str]:
    """Look at choices first, for they bring the keys that the other overrides set."""
    from hydra.core.global_hydra import GlobalHydra

    loader = GlobalHydra.instance().config_loader()
    groups = list(_groups(loader, ""))
    values: list[Override] = []
    choices: list[str] = []
    for argument in arguments:
        try:
            override = OverridesParser.create(loader).parse_override(argument)
        except HydraException as error:
            yield f"cannot read `{argument}`: {str(error).splitlines()[0]}"
            continue
        group = override.key_or_group
        if group not in groups:
            values.append(override)
            continue
        options = [o for o in loader.get_group_options(group) if not o.startswith("_")]
        wrong = [name for name in _chosen(override) if name not in options]
        for name in wrong:
            choose = f" There is {', '.join(sorted(options))}." if nearest(name, options) else ""
            yield f"{group}={name}: there is no such {group}.{suggestion(name, options)}{choose}"
        if not wrong and not override.is_sweep_override():
            choices.append(argument)
    try:
        cfg = hydra.compose(config_name, choices, return_hydra_config=True)
    except HydraException:
        return
    for override in values:
        yield from _misspelt(override, cfg, groups)


def _misspelt(override: Override, cfg: DictConfig, groups: list[str]) -> Iterator[str]:
    """What is wrong with `key=value`, `+key=value` or `~key`, given the composed config."""
    key = override.key_or_group
    exists = _holds(cfg, key)
    if override.is_force_add():
        return
    if override.is_add():
        if exists and not OmegaConf.is_dict(OmegaConf.select(cfg, key)):
            yield f"+{key}: there is a `{key}` already; write {key}=... without the plus."
        return
    if exists:
        return
    parent, _, name = key.rpartition(".")
    accepted = _accepted(cfg, parent)
    if name in accepted:
        yield (
            f"`{key}` is not in the config file, but {OmegaConf.select(cfg, parent)._target_} "
            f"takes it: write +{override.input_line}"
        )
        return
    keys = [k for k in _keys(cfg) if key.startswith("hydra") or not k.startswith("hydra.")]
    candidates = {
        *keys,
        *(group for group in groups if group in cfg.hydra.runtime.choices),
        *(f"{parent}.{n}" for n in accepted if f"{parent}.{n}" not in keys),
    }
    yield f"there is no option `{key}`.{suggestion(key, candidates)}"


def _accepted(cfg: DictConfig, parent: str) -> list[str]:
    """Arguments that the constructor of a node would take, stated in the yaml or not."""
    node = OmegaConf.select(cfg, parent) if parent and _holds(cfg, parent) else None
    if not OmegaConf.is_dict(node) or "_target_" not in node:
        return []
    try:
        return list(parameters(locate(node._target_)) or ())
    except UserError:
        return []


def _chosen(override: Override) -> list[str]:
    """The options that `group=a`, `group=[a,b]` or `group=a,b` names."""
    if override.is_delete() or override.value() is None:
        return []
    if override.is_sweep_override():
        return (
            [str(v) for v in override.sweep_string_iterator()]
            if override.is_discrete_sweep()
            else []
        )
    value = override.value()
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _groups(loader: object, parent: str) -> Iterator[str]:
    """Every config group, nested ones with slashes."""
    from hydra.core.object_type import ObjectType

    for name in loader.list_groups(parent):
        group = f"{parent}/{name}" if parent else name
        if loader.get_group_options(group, ObjectType.CONFIG):
            yield group
        yield from _groups(loader, group)


def _holds(cfg: DictConfig, key: str) -> bool:
    """Whether a dotted key is in the config; interpolations are not followed."""
    node = cfg
    for part in key.split("."):
        if OmegaConf.is_list(node) and part.isdigit() and int(part) < len(node):
            node = node._get_node(int(part))
        elif OmegaConf.is_dict(node) and part in node.keys():  # noqa: SIM118 (`in` follows links)
            node = node._get_node(part)
        else:
            return OmegaConf.select(cfg, key, throw_on_resolution_failure=False) is not None
    return True


def _keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """All dotted keys of a config, but those that only follow another one."""
    for key in node.keys():  # noqa: SIM118
        child = node._get_node(key)
        if str(key).startswith("_") or child._is_interpolation():
            continue
        yield f"{prefix}{key}"
        if OmegaConf.is_dict(child) and not child._is_none():
            yield from _keys(child, f"{prefix}{key}.")
