"""Batch normalisation over the batches of all processes, so that several processes train as one does.

On GPUs torch has it (SyncBatchNorm; timm's variant keeps the activation that its layers hold), on the CPU it has not:
there the formula of Ioffe and Szegedy (2015) is written out here, with the sums gathered from all processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import Function
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def batch_norm_over_all(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Exchange the batch norms of a network for such over all processes; the old ones come back with what was learnt.

    Parameters and running values are shared between old and new, so names in a state dict stay as they are.
    """
    exchanged: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, _BatchNorm):
                exchanged.append((parent, name, layer))
                setattr(parent, name, _over_all(layer, device))
    try:
        yield
    finally:
        for parent, name, layer in exchanged:
            layer.train(getattr(parent, name).training)
            setattr(parent, name, layer)


def _over_all(layer: _BatchNorm, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        from timm.layers.norm_act import convert_sync_batchnorm

        converted: nn.Module = convert_sync_batchnorm(layer)  # type: ignore[no-untyped-call]
        return converted
    return GlobalBatchNorm(layer)


class GlobalBatchNorm(nn.Module):
    """Like a batch norm layer (with the drop and act of timm's BatchNormAct2d), its statistics over all processes."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, like: _BatchNorm) -> None:
        super().__init__()
        if like.running_mean is None or like.running_var is None or like.num_batches_tracked is None:
            raise ValueError("a batch norm without running values cannot be used for diagnosis")
        self.weight, self.bias = like.weight, like.bias
        self.register_buffer("running_mean", like.running_mean)
        self.register_buffer("running_var", like.running_var)
        self.register_buffer("num_batches_tracked", like.num_batches_tracked)
        self.eps, self.momentum = like.eps, like.momentum
        for name, child in like.named_children():
            self.add_module(name, child)
        self.train(like.training)

    def forward(self, x: Tensor) -> Tensor:
        """Float [N, C, ...] normalised channel by channel."""
        if self.training:
            x, mean, variance, n = _Normalise.apply(x, self.weight, self.bias, self.eps)
            self._remember(mean, variance, n)
        else:
            x = functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        for child in self.children():  # timm's layers hold drop, then act
            x = child(x)
        return x

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, n: Tensor) -> None:
        self.num_batches_tracked.add_(1)
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased = variance * (n / (n - 1).clamp(min=1))
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(unbiased, share)


class _Normalise(Function):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias with mean and variance of all processes' x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
        over = [d for d in range(x.ndim) if d != 1]
        count = x.new_full((1,), x.numel() / x.shape[1])
        # Two rounds, first the mean, then the squares about it: E[x^2] - E[x]^2 would lose digits.
        sums = _summed(torch.cat([x.sum(over), count]))
        n = sums[-1]
        mean = sums[:-1] / n
        centred = x - _wide(mean, x)
        variance = _summed(centred.square().sum(over)) / n
        scale = torch.rsqrt(variance + eps)
        normal = centred * _wide(scale, x)
        ctx.save_for_backward(normal, weight, scale, n)
        ctx.mark_non_differentiable(mean, variance, n)
        y = normal if weight is None else normal * _wide(weight, x)
        return y if bias is None else y + _wide(bias, x), mean, variance, n

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        normal, weight, scale, n = ctx.saved_tensors
        dy = gradients[0]
        over = [d for d in range(dy.ndim) if d != 1]
        d_bias, d_weight = dy.sum(over), (dy * normal).sum(over)
        both = _summed(torch.cat([d_bias, d_weight])) / n
        mean_dy, mean_dy_normal = both.chunk(2)
        dx = (dy - _wide(mean_dy, dy) - normal * _wide(mean_dy_normal, dy)) * _wide(
            scale if weight is None else scale * weight, dy
        )
        # The layer's own gradients stay this process's: DistributedDataParallel adds them up with all the others.
        return dx, None if weight is None else d_weight, d_bias if ctx.needs_input_grad[2] else None, None


def _summed(values: Tensor) -> Tensor:
    dist.all_reduce(values)
    return values


def _wide(channels: Tensor, like: Tensor) -> Tensor:
    return channels.view(1, -1, *(1 for _ in range(like.ndim - 2)))
