"""A package that declares the entry point is found like a built-in detector."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forenbench.testing import write_tiny_dataset

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tiny-plugin"
version = "1.0"

[project.entry-points."forenbench.detectors"]
tiny = "tiny_plugin:Tiny"

[tool.setuptools]
py-modules = ["tiny_plugin"]
"""
MODULE = """
from forenbench.testing import Brightness


class Tiny(Brightness):
    name = "tiny"
"""


@pytest.mark.slow
def test_an_installed_package_is_found(tmp_path: Path) -> None:
    package, target = tmp_path / "package", tmp_path / "target"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "tiny_plugin.py").write_text(MODULE)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(target), str(package)], check=True)
    write_tiny_dataset(tmp_path / "data")
    search = os.pathsep.join([str(target), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [
            *(sys.executable, "-c", "from forenbench.cli import main; main()"),
            *("run", "--detectors", "tiny", "--dataset", "data"),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tiny" in run.stdout
    assert len(list((tmp_path / "results").glob("**/tiny.parquet"))) == 2
