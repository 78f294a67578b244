"""Make docs/images/report.png: ``python docs/theme/report_picture.py results/runs/sample/report.html``.

The report is that of ``bench run --detectors all`` on the sample dataset; Chromium is needed.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[1] / "images" / "report.png"


def main(report: Path) -> None:
    """Photograph the report's grid of generators, in few colours for the file's size."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 800}, device_scale_factor=1.5)
        page.goto(report.resolve().as_uri())
        heading = page.get_by_role("heading", name="Generators", exact=True)
        shot = page.locator("section", has=heading).screenshot()
        browser.close()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(128).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
