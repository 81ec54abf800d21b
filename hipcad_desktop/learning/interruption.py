"""Cancelling inside a batch: one batch of the paper's network takes a minute on a CPU, a person waits two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def interruptible(network: nn.Module, check: Callable[[], None]) -> Iterator[None]:
    """Call check after each layer, forwards and backwards; what it raises comes out of the forward or backward call."""

    def after_backward(_: Tensor) -> None:
        check()

    def after_forward(_module: nn.Module, _inputs: Any, output: Any) -> None:
        check()
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(after_backward)  # type: ignore[no-untyped-call]

    layers = [module for module in network.modules() if not any(True for _ in module.children())]
    handles = [layer.register_forward_hook(after_forward) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
