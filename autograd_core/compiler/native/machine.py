"""The machine that code is made for, and LLVM's way to it: text to object code to addresses."""

from __future__ import annotations

import ctypes
import functools
import platform
from dataclasses import dataclass
from typing import Any

from ...errors import MissingDependencyError

__all__ = ["Library", "Machine", "available", "host", "versions"]


def available() -> bool:
    """Whether llvmlite is there (the extra ``jit``)."""
    try:
        import llvmlite  # noqa: F401
    except ImportError:
        return False
    return True


@functools.lru_cache(maxsize=1)
def _llvm() -> Any:
    try:
        import llvmlite.binding as llvm
    except ImportError:
        raise MissingDependencyError(
            "jit",
            "native code needs llvmlite, which is not installed. Expected the extra `jit`: pip "
            "install 'gradproof[jit]'. Without it steps are replayed by NumPy: backend=\"numpy\".",
        ) from None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def versions() -> tuple[str, str]:
    """The versions of llvmlite and of LLVM."""
    import llvmlite

    return llvmlite.__version__, ".".join(map(str, _llvm().llvm_version_info))


@dataclass(frozen=True)
class Machine:
    """What code may use.

    Attributes
    ----------
    cpu, features : str
        LLVM's names of the processor and of what it has.
    width : int
        Bytes of a vector register: 64, 32 or 16.
    registers : int
        Number of vector registers: 32 or 16.
    """

    cpu: str
    features: str
    width: int
    registers: int

    def lanes(self, itemsize: int) -> int:
        """How many numbers of so many bytes a register holds."""
        return self.width // itemsize

    @functools.cached_property
    def _target(self) -> Any:
        llvm = _llvm()
        return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, jit=True
        )

    def assemble(self, text: str) -> bytes:
        """Object code of LLVM text.

        Raises
        ------
        RuntimeError
            If the text is not LLVM's language.
        """
        llvm = _llvm()
        module = llvm.parse_assembly(text)
        return bytes(self._target.emit_object(module))

    def listing(self, text: str) -> str:
        """The assembler listing of LLVM text, to be read."""
        return str(self._target.emit_assembly(_llvm().parse_assembly(text)))

    def load(self, code: bytes) -> Library:
        """Object code made ready to be called."""
        llvm = _llvm()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._fresh())
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        return Library(engine)

    def _fresh(self) -> Any:
        # An engine takes its target machine over.
        llvm = _llvm()
        return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, jit=True
        )


class Library:
    """Loaded code; its functions live as long as it does."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def address(self, name: str) -> int:
        """Where a function starts."""
        return int(self._engine.get_function_address(name))

    def function(self, name: str, result: Any = None, *arguments: Any) -> Any:
        """A function to be called from Python; the interpreter's lock is released meanwhile."""
        found: Any = ctypes.CFUNCTYPE(result, *arguments)(self.address(name))
        found.library = self  # keeps the code alive
        return found


@functools.lru_cache(maxsize=8)
def host(level: str | None = None) -> Machine:
    """The machine that this runs on.

    Parameters
    ----------
    level : str, optional
        "avx512", "avx2" or "baseline", to do with less than there is. Default: all there is.
    """
    llvm = _llvm()
    features = dict(llvm.get_host_cpu_features())
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    full = x86 and features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq")
    half = x86 and features.get("avx2") and features.get("fma")
    reached = "avx512" if full else "avx2" if half else "baseline"
    order = ("baseline", "avx2", "avx512")
    if level is not None and order.index(level) < order.index(reached):
        reached = level
    if x86 and reached != "avx512":
        features = {
            k: v and not k.startswith(("avx512", "avx10", "evex")) for k, v in features.items()
        }
    if x86 and reached == "baseline":
        features = {
            k: v and not k.startswith(("avx", "fma", "f16c", "vaes", "vpclmul", "xop", "gfni"))
            for k, v in features.items()
        }
    names = ",".join(("+" if v else "-") + k for k, v in sorted(features.items()))
    width, registers = {"avx512": (64, 32), "avx2": (32, 16), "baseline": (16, 16)}[reached]
    if platform.machine().lower() in ("arm64", "aarch64"):
        registers = 32
    return Machine(llvm.get_host_cpu_name(), names, width, registers)
