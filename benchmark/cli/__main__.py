"""``python -m forenbench.cli``, which ``torchrun -m forenbench.cli`` needs: the command ``bench``."""

from __future__ import annotations

from . import main

if __name__ == "__main__":
    main()
