"""Which device trains, said aloud: never a CPU run where a GPU was asked for."""

from __future__ import annotations

import platform
import subprocess
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import Device
from hipcad_desktop.learning.wording import first_line

_LOST = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "HIP error", "device-side assert")


@dataclass(frozen=True, slots=True)
class ChosenDevice:
    """A device, its name for a person, why it was chosen, and the precision of its arithmetic."""

    torch_device: torch.device
    name: str
    reason: str
    amp: torch.dtype | None  # None: float32 throughout

    @property
    def precision(self) -> str:
        """float32, bfloat16 or float16, as a word."""
        return str(self.amp or torch.float32).removeprefix("torch.")


def choose_device(requested: Device) -> ChosenDevice:
    """The device to train on. Raises UserError NO_GPU or GPU_UNSUPPORTED where `cuda` was asked for and cannot be."""
    if requested == "cpu":
        return _cpu("asked for")
    try:
        return _cuda()
    except UserError as error:
        if requested == "cuda":
            raise
        return _cpu(f"no GPU can be used ({error.facts['detail']})")


def _cpu(reason: str) -> ChosenDevice:
    return ChosenDevice(torch.device("cpu"), _cpu_name(), reason, None)


def _cuda() -> ChosenDevice:
    with warnings.catch_warnings(record=True) as said:  # torch tells of an old driver by a warning only
        warnings.simplefilter("always")
        found = torch.cuda.is_available()
    if not found:
        built = torch.version.cuda or torch.version.hip
        silent = "torch sees none" if built else "this torch is built for the CPU only"
        raise UserError(ErrorCode.NO_GPU, detail=first_line(said[-1].message) if said else silent)
    device = torch.device("cuda", torch.cuda.current_device())
    name = torch.cuda.get_device_name(device)
    major, minor = torch.cuda.get_device_capability(device)
    built_for = torch.cuda.get_arch_list()
    if torch.version.hip is None and not runs_on(major, minor, built_for):
        detail = f"it has compute capability {major}.{minor}, torch is built for {', '.join(built_for)}"
        raise UserError(ErrorCode.GPU_UNSUPPORTED, name=name, detail=detail)
    try:
        torch.ones(8, device=device).sum().item()
    except RuntimeError as error:  # a driver that lost the card after sleep, or a card in exclusive use
        raise UserError(ErrorCode.GPU_UNSUPPORTED, name=name, detail=first_line(error)) from error
    amp = torch.bfloat16 if major >= 8 else torch.float16  # bfloat16 in hardware from Ampere on
    return ChosenDevice(device, name, "a GPU was found", amp)


def runs_on(major: int, minor: int, built_for: list[str]) -> bool:
    """Whether a build for these architectures ("sm_86", "compute_90") runs on a GPU of this compute capability."""
    for arch in built_for:
        kind, _, digits = arch.partition("_")
        number = "".join(c for c in digits if c.isdigit())
        if len(number) < 2:
            continue
        theirs = int(number[:-1]), int(number[-1])
        # Machine code runs within its major version; PTX is compiled by the driver for anything later.
        if (kind == "sm" and theirs[0] == major and theirs[1] <= minor) or (
            kind == "compute" and theirs <= (major, minor)
        ):
            return True
    return False


def torch_build() -> str:
    """This torch's version and what it is built for, as "2.14.1, CUDA 13.0"."""
    version = torch.__version__.partition("+")[0]
    if torch.version.cuda:
        return f"{version}, CUDA {torch.version.cuda}"
    return f"{version}, ROCm {torch.version.hip}" if torch.version.hip else f"{version}, CPU only"


def gpus() -> int:
    """How many GPUs this torch can use."""
    with warnings.catch_warnings():  # choose_device says it in its own words
        warnings.simplefilter("ignore")
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def driver_version() -> str:
    """The NVIDIA driver's version; empty where nobody tells."""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5, check=True)
        return said.stdout.split("\n")[0].strip()
    return ""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch means that memory ran out, on the GPU or the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "not enough memory" in text or "can't allocate memory" in text or "out of memory" in text
    )


def is_gpu_lost(error: BaseException) -> bool:
    """Whether an exception of torch means that the GPU itself is gone or in a state that only a new process mends.

    So it is after sleep with some drivers (torch #88639), or when a card falls off the bus.
    """
    text = str(error)
    return isinstance(error, RuntimeError) and not is_out_of_memory(error) and any(sign in text for sign in _LOST)


def prove_alive(device: torch.device) -> None:
    """Let the device count to eight. Raises UserError GPU_LOST where it cannot any more."""
    if device.type != "cuda":
        return
    try:
        torch.ones(8, device=device).sum().item()
    except RuntimeError as error:
        raise UserError(ErrorCode.GPU_LOST, detail=first_line(error)) from error


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
