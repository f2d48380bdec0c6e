"""The command `streamdiffusion`, which runs the program that comes with the package: python -m streamdiffusion_cpp."""

import os
import sys
from pathlib import Path
from typing import NoReturn

PROGRAM = Path(__file__).parent / "bin" / "streamdiffusion"


def main() -> NoReturn:
    """Runs the program in place of this one."""
    if not PROGRAM.exists():
        sys.exit("streamdiffusion: this package was built without the program; build it with STREAMDIFFUSION_COMPONENTS=program")
    os.execv(PROGRAM, ["streamdiffusion", *sys.argv[1:]])


if __name__ == "__main__":
    main()
