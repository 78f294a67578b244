#!/usr/bin/env bash
# Build the wheel, install it into a fresh environment that borrows this one's dependencies, and use it there.
set -euo pipefail
BIN=$(cd "$BIN" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$BIN/python" -m build --wheel --outdir "$work" . >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
"$BIN/python" -m venv --without-pip "$work/venv"  # a pip of its own would take longer than all that it does
# Dependencies come from .venv; the editable install of this package must not, so its .pth file is left out.
site=$("$BIN/python" -c "import site; print(site.getsitepackages()[0])")
fresh=$("$work/venv/bin/python" -c "import site; print(site.getsitepackages()[0])")
for entry in "$site"/*; do
  case $(basename "$entry") in
    *forenbench*|pip|pip-*|setuptools|setuptools-*|_distutils_hack|distutils-precedence.pth|__pycache__) ;;
    *) ln -s "$entry" "$fresh/" ;;
  esac
done
"$BIN/pip" --python "$work/venv/bin/python" install -q --no-deps "$work"/*.whl
cd "$work"
"$work/venv/bin/bench" list detectors | tee "$work/detectors"
grep -q '^lgrad .*forenbench' "$work/detectors"
"$work/venv/bin/python" -c "
import forenbench, importlib.resources as resources
assert '/venv/' in forenbench.__file__, forenbench.__file__
assert list((resources.files('forenbench.sample') / 'weights').iterdir()), 'no shipped weights in the wheel'
"
"$work/venv/bin/bench" table lgrad-3 --only published >"$work/table"
grep -q 'Deepfake' "$work/table"
"$work/venv/bin/bench" list datasets >"$work/datasets"
grep -q 'lgrad-table3' "$work/datasets"
"$work/venv/bin/bench" list perturbations >"$work/perturbations"
grep -q 'whatsapp' "$work/perturbations"
"$work/venv/bin/bench" new detector mine
echo "the wheel works"
