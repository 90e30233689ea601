"""The house keeps its order: a variant is three files, and imports point one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted(
    file.stem for file in (ROOT / "conf/model").glob("*.yaml") if not file.stem.startswith("_")
)
MODULES = sorted((ROOT / "gan_lab").rglob("*.py"))

# room -> the rooms that it may not import
FORBIDDEN = {
    "ops": {"networks", "losses", "augment", "models", "data", "metrics", "callbacks", "apps"},
    "networks": {"losses", "augment", "models", "data", "metrics", "callbacks", "apps"},
    "losses": {"networks", "augment", "models", "data", "metrics", "callbacks", "apps"},
    "augment": {"networks", "losses", "models", "data", "metrics", "callbacks", "apps"},
    "data": {"networks", "losses", "models", "metrics", "callbacks", "apps"},
    "models": {"data", "metrics", "callbacks", "apps"},
    "metrics": {"callbacks", "apps"},
    "callbacks": {"apps"},
    "loggers": {"apps"},
}


def test_a_variant_is_three_files():
    variants = {file.stem for file in (ROOT / "gan_lab/models").glob("*.py")}
    variants -= {"__init__", "base"}
    assert variants <= set(MODELS)
    tests = {file.stem.removeprefix("test_") for file in (ROOT / "tests/models").glob("test_*.py")}
    assert variants <= tests


@pytest.mark.parametrize("name", MODELS)
def test_a_recipe_is_named_after_its_variant(name):
    """dcgan.yaml is the variant's own recipe; r3gan_small.yaml is another one of r3gan.py."""
    variants = {file.stem for file in (ROOT / "gan_lab/models").glob("*.py")}
    assert any(name == v or name.startswith(f"{v}_") for v in variants)


def imported_rooms(file):
    """First-level names under gan_lab that a module imports, anywhere in its text."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("gan_lab."):
                yield name.split(".")[1]


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(ROOT / "gan_lab").as_posix())
def test_imports_point_one_way(file):
    room = file.relative_to(ROOT / "gan_lab").parts[0]
    assert not FORBIDDEN.get(room, set()) & set(imported_rooms(file))


def test_there_is_no_utils():
    names = {part for file in MODULES for part in file.relative_to(ROOT).with_suffix("").parts}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def test_every_module_says_what_it_is_for():
    silent = [
        file
        for file in MODULES
        if file.read_text() and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert not silent


def test_the_plugins_are_a_namespace_that_hydra_finds():
    assert not (ROOT / "hydra_plugins/__init__.py").exists()
    code = (
        "from hydra.core.plugins import Plugins; names = {p.__name__ for p in Plugins.instance()"
        ".discover()}; assert {'ProcessLauncher', 'OptunaSweeper'} <= names, names;"
        "import sys; assert not {'torch', 'optuna', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
