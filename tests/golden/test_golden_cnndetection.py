"""CNNDetection against the official code: crops exactly, logits to 1e-4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
import torch
from formula import he_weights, shapes_of
from golden import AVAILABLE, NUMBERS, PICTURES, assert_input, card, picture, same_pixels
from torch import Tensor

from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors.cnndetection import CNNDetection
from forenbench.weights import Weights

WITHIN = card("cnndetection").within
GOLDEN = NUMBERS["cnndetection"]
# Inputs are compared of all pictures, so that the network needs few: one with a black border, one whose sides
# are odd, and a flat one; and a photograph in float32.
FEW = ("rgb180x200", "rgb301x257", "gray256")
SCORED = [name for name in (*FEW, "real") if name in AVAILABLE]
VARIANTS = {"crop224": "blur_jpg_prob0.5", "full": "blur_jpg_prob0.5-full"}


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CNNDetection]]:
    path = tmp_path_factory.mktemp("cnndetection") / "blur_jpg_prob0.5.pth"
    optimizer = {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    state = he_weights(shapes_of(resnet_50()))
    torch.save({"model": state, "optimizer": optimizer, "total_steps": 3}, path)
    weights = Weights(paths={"cnndetection-0.5": path}, unverified=True)
    yield {crop: CNNDetection(variant, weights) for crop, variant in VARIANTS.items()}
    path.unlink()


@pytest.fixture(scope="module")
def logits(detectors: dict[str, CNNDetection]) -> dict[tuple[str, str], Tensor]:
    """Logits of a few pictures, equal shapes in one batch."""
    found = {}
    for crop, detector in detectors.items():
        groups = defaultdict(dict)
        for name in SCORED:
            tensor = detector.prepare(picture(name))
            groups[tensor.shape][crop, name] = tensor
        for group in groups.values():
            with torch.no_grad():
                ours = detector.logit(torch.stack(list(group.values())))
            found |= dict(zip(group, ours, strict=True))
    return found


@pytest.mark.parametrize("crop", VARIANTS)
@pytest.mark.parametrize("name", PICTURES)
def test_input_is_the_official_one(detectors: dict[str, CNNDetection], name: str, crop: str) -> None:
    golden, prepare = GOLDEN[name][crop], detectors[crop].prepare
    assert same_pixels(prepare.pixels(picture(name)), golden["uint8"])
    assert_input(prepare(picture(name)), golden["input"])


@pytest.mark.parametrize("crop", VARIANTS)
@pytest.mark.parametrize("name", SCORED)
def test_logit_is_the_official_one(logits: dict[tuple[str, str], Tensor], name: str, crop: str) -> None:
    golden, logit = GOLDEN[name][crop], logits[crop, name]
    assert logit.item() == pytest.approx(golden["logit"], abs=WITHIN)
    assert logit.sigmoid().item() == pytest.approx(golden["sigmoid"], abs=WITHIN)


@torch.no_grad()
def test_one_image_alone_has_the_same_score(detectors: dict[str, CNNDetection]) -> None:
    detector = detectors["crop224"]
    score = detector.score(detector.prepare(picture("rgb180x200"))[None])
    assert score.tolist() == pytest.approx([GOLDEN["rgb180x200"]["crop224"]["sigmoid"]], abs=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("crop", VARIANTS)
@torch.no_grad()
def test_double_precision_leaves_no_difference(detectors: dict[str, CNNDetection], crop: str) -> None:
    """What float32 hides under 1e-4: every operation is the official one, in the official order."""
    detector = detectors[crop]
    detector.network.double()
    logits = {name: detector.logit(detector.prepare(picture(name))[None].double()).item() for name in FEW}
    detector.network.float()
    golden = {name: GOLDEN[name][crop]["logit_float64"] for name in FEW}
    assert logits == pytest.approx(golden, abs=1e-9)
