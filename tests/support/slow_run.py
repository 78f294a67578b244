"""A run slow enough to be killed in: its command, its rows, and how to wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

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
        time.sleep(0.05)
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
        write_tiny_dataset(folder / "tiny", GENERATORS, IMAGES)
        (folder / "slow.py").write_text(DETECTOR)

    def command(self, out: str, *options: str) -> list[str]:
        return [
            *(sys.executable, "-c", "from forenbench.cli import main; main()", "run", "--out", out),
            *("--detectors", str(self.folder / "slow.py"), "--dataset", str(self.folder / "tiny")),
            *("--perturbations", ",".join(PERTURBATIONS), *options),
        ]

    def start(self, out: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(out, *options),
            cwd=self.folder,
            env={**os.environ, "PIDS": str(self.pids)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a process at once; what it started may live on for a moment."""
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()

    def finish(self, out: str, *options: str) -> str:
        """Run to the end; returns what it said."""
        process = self.start(out, *options)
        _, said = process.communicate()
        assert process.returncode == 0, said
        return said

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

    def wait_for_progress(self, process: subprocess.Popen[str], out: str) -> None:
        """Wait until a process has finished one more shard, or ended."""
        before, begun = self.shards(out), time.monotonic()
        while self.shards(out) == before and process.poll() is None and time.monotonic() - begun < 120:
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
