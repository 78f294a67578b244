"""A run slow enough to be killed in: its command, its rows, and how to wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from warm_start import WarmStart

from forenbench.testing import write_tiny_dataset

GENERATORS, IMAGES = list("abc"), 200
DETECTOR = """
import os
import time
from pathlib import Path

from forenbench.testing import Brightness


class Slow(Brightness):
    name = "slow"

    def score(self, batch):
        Path(os.environ["PIDS"], str(os.getpid())).touch()
        time.sleep(0.03)
        return super().score(batch)
"""
PERTURBATIONS = ["none", "noise:9.0", "crop:0.5"]
SHARDS = 4
"""Of each test set: 400 images in batches of 32, four to a shard."""
ALL_SHARDS = len(GENERATORS) * len(PERTURBATIONS) * SHARDS


class SlowRun:
    """``bench run`` over a tiny dataset in a folder, as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids = folder / "pids"
        self.pids.mkdir()
        self._starts = 0
        write_tiny_dataset(folder / "tiny", GENERATORS, IMAGES)
        (folder / "slow.py").write_text(DETECTOR)

    def start(self, out: str, *options: str) -> WarmStart:
        self._starts += 1
        return WarmStart(
            self._arguments(out, *options),
            self.folder,
            {**os.environ, "PIDS": str(self.pids)},
            self.folder / f"said-{self._starts}.txt",
        )

    def finish(self, out: str, *options: str) -> str:
        """Run to the end; returns what it said."""
        process = self.start(out, *options)
        said = process.finish(300)
        assert process.returncode == 0, said
        return said

    def finish_as_a_user_would(self, out: str) -> None:
        """Run to the end, in an interpreter of its own."""
        command = [sys.executable, "-c", "from forenbench.cli import main; main()", *self._arguments(out)]
        env = {**os.environ, "PIDS": str(self.pids)}
        subprocess.run(command, cwd=self.folder, env=env, check=True, capture_output=True)

    def _arguments(self, out: str, *options: str) -> list[str]:
        return [
            *("run", "--out", out, "--detectors", str(self.folder / "slow.py")),
            *("--dataset", str(self.folder / "tiny"), "--perturbations", ",".join(PERTURBATIONS), *options),
        ]

    def shards(self, out: str) -> int:
        """Count the finished shards of cells, whether still by themselves or in the cells' own files."""
        root = self.folder / out
        return sum(
            max(
                len(PERTURBATIONS) * len(list(root.glob(f"parts/*/{name}/*.arrow"))),
                SHARDS * len(list(root.glob(f"scores/*/{name}/*/*.json"))),
            )
            for name in GENERATORS
        )

    def wait_for_progress(self, process: WarmStart, out: str) -> None:
        """Wait until a process has finished one more shard, or ended."""
        before, begun = self.shards(out), time.monotonic()
        while self.shards(out) == before and process.returncode is None and time.monotonic() - begun < 120:
            time.sleep(0.01)

    def files(self, out: str) -> dict[str, bytes]:
        """Return the bytes of every file of rows."""
        root = self.folder / out / "scores"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.glob("**/*.parquet")}

    def rows(self, out: str) -> pd.DataFrame:
        return pd.concat(pd.read_parquet(path) for path in (self.folder / out).glob("scores/**/*.parquet"))

    def leftovers(self, out: str) -> list[Path]:
        """List what should not be there once a run is whole."""
        root = self.folder / out
        return [path for path in root.rglob("*") if path.suffix in (".part", ".lock", ".arrow")]
