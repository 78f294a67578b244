"""Records that earlier versions wrote, as they stand in old run folders, and rows of those days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_PACKAGES = {"forenbench": "0.1.0", "numpy": "2.4.6", "pillow": "13.0.0", "torch": "2.14.1"}
FIRST: dict[str, Any] = {
    "cell": {"dataset": "tiny", "detector": "mean", "perturbation": "none", "testset": "StyleGAN"},
    "counts": {"failed": 0, "nonfinite": 0, "ok": 4, "unreadable": 0},
    "identity": {
        "checkpoints": {},
        "code": "8f90a9acf907f6ff6ed04ddd156fef36c2d7cb34171c304229a1d4a05eccfd30",
        "detector": "mean",
        "detector_version": "1",
        "kind": "own",
        "perturbation": "none",
        "rows": 1,
        "seed": 0,
        "testset": "ed3de21031c3c1af9881d12dfa7b726d7183a4bdcc9d652a285fbe13568cb1a3",
        "threshold": 0.5,
    },
    "made": {
        "command": ["bench", "run", "--detectors", "./mean.py", "--dataset", "tiny"],
        "device": "cpu",
        "machine": "Linux x86_64",
        "packages": _PACKAGES,
        "position": [0, 0, 0, 0],
        "python": "3.11.7",
        "time": "2026-11-22T07:41:00+00:00",
    },
}
"""The very first version's, of a run: no precision, protocol, commit, notes, place of images, nor digest."""
SECOND: dict[str, Any] = {
    **FIRST,
    "identity": FIRST["identity"] | {"precision": "fp32", "rows": 2},
    "made": FIRST["made"] | {"commit": "", "notes": [], "protocol": "all"},
}
"""Of a run three days later."""
IMPORTED: dict[str, Any] = {
    "cell": {"dataset": "s", "detector": "api", "perturbation": "none", "testset": "s"},
    "counts": {"failed": 0, "nonfinite": 0, "ok": 4, "unreadable": 0},
    "identity": {
        "checkpoints": {"scores": "bc91e4fb8ac61ddfb5d6485c330a290fb7eec7cf34a8166cd773ca6ee06d2708"},
        "code": "",
        "detector": "api",
        "detector_version": "imported",
        "kind": "foreign",
        "perturbation": "none",
        "precision": "fp32",
        "reading": {"columns": {}, "labels": {}, "prefix": "", "real_is_high": False, "threshold": None},
        "rows": 2,
        "seed": 0,
        "testset": "4185a91f4717aebde94e61915c24e1a96680a35eceaed88a10eb93815a31040d",
        "threshold": 0.5,
    },
    "made": {
        "command": ["bench", "import", "s.csv", "--detector", "api"],
        "commit": "",
        "device": "none: imported",
        "file": "/data/s.csv",
        "machine": "Linux x86_64",
        "notes": ["scores of api were imported from s.csv (higher means generated)"],
        "packages": _PACKAGES,
        "position": [1, 0, 0, 1],
        "protocol": "all",
        "python": "3.11.7",
        "time": "2026-11-25T18:10:00+00:00",
    },
}
"""The first ones of imported scores: nobody said what the detector had seen in training."""
_COLUMNS = ("dataset", "testset", "generator", "class", "real_source", "path", "detector", "perturbation")
"""Of the first version, beside those with numbers: no origin, and nothing drawn."""


def write(root: Path, record: dict[str, Any]) -> Path:
    """Store a cell of two reals and two fakes, told apart, as the first versions did; return its record."""
    cell = record["cell"]
    file = root.joinpath("scores", cell["dataset"], cell["testset"], cell["perturbation"], cell["detector"])
    file.parent.mkdir(parents=True)
    texts = {name: [cell.get(name, "")] * 4 for name in _COLUMNS} | {"path": [*"abcd"]}
    numbers = {"label": [0, 0, 1, 1], "score": [0.1, 0.2, 0.8, 0.9], "logit": [None] * 4}
    told = {"status": ["ok"] * 4, "error": [""] * 4}
    schema = {"label": pa.int8(), "score": pa.float32(), "logit": pa.float32()}
    columns = {
        name: pa.array(values, schema.get(name, pa.string()))
        for name, values in (texts | numbers | told).items()
    }
    pq.write_table(pa.table(columns), file.with_suffix(".parquet"))
    place = file.with_suffix(".json")
    place.write_text(json.dumps(record, indent=1, sort_keys=True))
    return place
