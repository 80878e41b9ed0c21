"""An environment with PyTorch, whose operator samples are tried on this engine: `make torch`.

``.environments/torch``: everything of requirements.lock, and PyTorch by pip with what it requires.
Where pip takes packages from is for its own settings to say. The index of PyTorch's project has
builds for CPUs, of 200 MB; what PyPI has for Linux brings CUDA, of several GB, and serves as well.
"""

from __future__ import annotations

import subprocess
import sys

from environments import ROOT, environment, run

TORCH = ("torch==2.13.0", "expecttest==0.3.0", "opt-einsum==3.4.0")  # the last two: of its op_db


def main() -> int:
    """Make it, and say where it is."""
    python = environment("torch", sys.executable)
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        pip = ["python3", "-m", "pip"]  # an environment made by uv has none
    run(*pip, "--python", str(python), "install", "--quiet", *TORCH)
    print(f"torch: {python.parent.parent.relative_to(ROOT)} is ready; `make slow` uses it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
