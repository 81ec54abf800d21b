"""The house's own rules: sizes of rooms, names, and what each room may touch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hipcad_desktop"
MODULES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc", "base"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 400, "a file has up to 400 lines"
    assert path.stem not in FORBIDDEN_NAMES
    assert ast.get_docstring(tree), "a module says in one line what it is"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"
        if isinstance(node, ast.ClassDef):
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
            assert len(methods) <= 25, f"{node.name} has too many methods"
        if isinstance(node, ast.ExceptHandler):
            assert not (len(node.body) == 1 and isinstance(node.body[0], ast.Pass)), (
                f"line {node.lineno}: silent except"
            )


def test_state_knows_only_the_core_of_qt() -> None:
    for path in (PACKAGE / "gui" / "state").rglob("*.py"):
        modules = re.findall(r"^\s*from (PySide6\.\w+)|^\s*import (PySide6\S*)", path.read_text("utf-8"), re.M)
        assert {m for pair in modules for m in pair if m} <= {"PySide6.QtCore"}, path


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("hipcad_desktop.workflows.diagnose", "torch timm captum torchvision sqlalchemy PySide6"),
        ("hipcad_desktop.gui.application", "torch timm captum torchvision onnxruntime"),
        ("hipcad_desktop.cli", "torch onnxruntime numpy PySide6 sqlalchemy"),
        ("hipcad_desktop.domain.halving", "numpy pydicom PIL"),
    ],
)
def test_importing_stays_light(module: str, heavy: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({heavy.split()!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
