"""Whether the libraries that a workflow needs are there, asked before it begins."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from hipcad_desktop.domain.errors import ErrorCode, UserError


def need_installed(modules: Sequence[str]) -> None:
    """Raise UserError TRAINING_NOT_INSTALLED naming the first module that is absent."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (ImportError, OSError) as error:  # OSError: a library of torch that Windows cannot load
            raise UserError(ErrorCode.TRAINING_NOT_INSTALLED, module=module) from error
