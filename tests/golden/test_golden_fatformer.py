"""FatFormer against the official code: formula weights in a file of the published format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from published_keys import flat
from torch import Tensor

from forenbench.detectors._nets.fatformer_network import ADAPTED, FatFormerNetwork
from forenbench.detectors._nets.forgery_adapter import ForgeryAdapter
from forenbench.detectors._nets.pixels import AIGCDETECT, CLIP, IMAGENET, Preprocess
from forenbench.detectors.fatformer import FatFormer
from forenbench.weights import Weights, WrongWeights

NUMBERS = modern("fatformer")
GOLDEN = NUMBERS["golden"]
IMAGES = GOLDEN["images"]
WITHIN = card("fatformer").within
PICTURE = "rgb384x512"
WRONG = {
    "CLIP mean/std": Preprocess(CLIP, resize=256, crop=224),
    "Resize(256) keeping the aspect ratio": AIGCDETECT,
    "CenterCrop 224 without resize": Preprocess(IMAGENET, crop=224),
}
RULES = {
    "freq_scale": lambda z: 0.1 + 0.02 * z,
    "ctx": lambda z: 0.02 * z,
    "token_embedding": lambda z: 0.02 * z,
    "text_projection": lambda z: z * math.sqrt(1 / len(z)),
}
TWICE = {
    "image_encoder.": "clip_model.visual.",
    "text_encoder.": "clip_model.",
    "clip_model.logit_scale": "logit_scale",
}
"""What stands in the file under a second name, too."""

pytestmark = pytest.mark.slow
State = dict[str, Tensor]


def published_state() -> State:
    """Draw the file's entries in its order: an entry under its first name alone, and no constants."""
    with torch.device("meta"):
        shapes = shapes_of(FatFormerNetwork())
    assert len(shapes) == GOLDEN["tensors"]
    assert keys_sha256(shapes) == NUMBERS["keys"]
    constant = ("dwt_transform.", "token_prefix", "token_suffix")
    drawn = [
        (key.replace("token_embedding.weight", "token_embedding"), shape)
        for key, shape in shapes
        if not key.startswith((*TWICE, "logit_scale")) and not any(part in key for part in constant)
    ]
    assert len(drawn) == GOLDEN["tensors_drawn"]
    state = {"logit_scale": torch.tensor(math.log(1 / 0.07)), **he_weights(drawn, RULES)}
    assert sha256_of_weights(state) == GOLDEN["weights_sha256_of_drawn"]
    embedding = state.pop("clip_model.token_embedding")
    sentences = torch.tensor(GOLDEN["tokenized_prompts_nonzero"])
    ended = torch.cat([sentences, torch.zeros(2, 77 - sentences.shape[1], dtype=sentences.dtype)], dim=1)
    state |= {
        "clip_model.token_embedding.weight": embedding,
        "language_guided_alignment.token_prefix": embedding[ended[:, :1]],
        "language_guided_alignment.token_suffix": embedding[ended[:, 9:]],
        **{key: haar(key, shape) for key, shape in shapes if "dwt_transform." in key},
    }
    return {key: state[first_name(key)] for key, _ in shapes}


def haar(key: str, shape: tuple[int, ...]) -> Tensor:
    """Return Haar's filter of two numbers: high ones, as `h1_col` and `g1_row`, take the difference."""
    return torch.tensor([1, -1 if "1_" in key else 1]).reshape(shape) * torch.tensor(0.70710677)


def first_name(key: str) -> str:
    for second, first in TWICE.items():
        if key.startswith(second):
            return key.replace(second, first, 1)
    return key


@pytest.fixture(scope="module")
def fatformer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FatFormer]:
    path = tmp_path_factory.mktemp("fatformer") / "fatformer_4class_ckpt.pth"
    torch.save({"model": published_state(), "epoch": 1}, path)
    yield FatFormer("progan", Weights(paths={"fatformer": path}, unverified=True))
    path.unlink()


@pytest.mark.parametrize("name", IMAGES)
def test_input_is_the_official_one(name: str) -> None:
    assert_sample(FatFormer.prepare(picture(name)), IMAGES[name]["input"], within=1e-5)


class Passed(NamedTuple):
    """What one pass gives: logits, and what goes into a stage and comes out of it."""

    logits: Tensor
    adapter: tuple[Tensor, Tensor]
    tokens: tuple[Tensor, Tensor]
    texts: tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def passed(fatformer: FatFormer) -> Passed:
    network, kept = fatformer.network, {}
    stages = {
        "adapter": first_adapter(fatformer),
        "tokens": network.image_encoder,
        "texts": network.text_encoder,
    }

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, given, output: kept.update({name: (given[0], output)})

    handles = [stage.register_forward_hook(keep(name)) for name, stage in stages.items()]
    with torch.no_grad():
        logits = network(FatFormer.prepare(picture(PICTURE))[None])[0]
    for handle in handles:
        handle.remove()
    return Passed(logits, **kept)


def first_adapter(fatformer: FatFormer) -> ForgeryAdapter:
    return fatformer.network.image_encoder.transformer.resblocks[ADAPTED[0]].forgery_aware_adapter


@torch.no_grad()
def test_logits_are_the_official_ones_by_way_of_the_official_tokens(
    fatformer: FatFormer, passed: Passed
) -> None:
    golden, right = IMAGES[PICTURE], passed.logits
    (before, adapted), (_, tokens), (_, texts) = passed.adapter, passed.tokens, passed.texts
    bands = first_adapter(fatformer).dwt_transform.split(before[:, 1:].mT.reshape(1, -1, 16, 16)).flatten(3)
    assert_sample(bands[0], golden["adapter7_dwt_before_groupnorm"], within=1e-4)
    assert_sample(adapted[0], golden["adapter7_out_tokens_first"], within=1e-4)
    assert_sample(tokens[0, 0], golden["image_tokens768_cls"], within=1e-3)
    assert_sample(tokens[0, 1:], golden["image_tokens768_patches"], within=1e-3)
    words = fatformer.network.language_guided_alignment.context(tokens)
    assert_sample(words.expand(2, -1, -1), golden["context_prompts"], within=1e-3)
    assert_sample(texts[0], golden["text_features"], within=1e-3)
    assert right.tolist() == pytest.approx(golden["logits_real_fake"], abs=WITHIN)
    assert right.softmax(0)[1].item() == pytest.approx(golden["softmax1"], abs=WITHIN)


@pytest.mark.parametrize("name", WRONG)
def test_another_input_is_told_from_the_official_one(name: str) -> None:
    right, wrong = IMAGES[PICTURE], GOLDEN["wrong_variants"][PICTURE][name]["logits"]
    logits = wrong[1], right["logits_real_fake"][1]
    assert_told_apart(WRONG[name](picture(PICTURE)), right["input"], logits, WITHIN)


@torch.no_grad()
def test_without_their_wavelets_the_adapters_give_other_tokens(
    fatformer: FatFormer, passed: Passed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ForgeryAdapter, "of_frequencies", lambda _, patches: torch.zeros_like(patches))
    found = first_adapter(fatformer)(passed.adapter[0])[0]
    right, wrong = IMAGES[PICTURE], GOLDEN["wrong_variants"][PICTURE]
    logits = wrong["frequency branch of the adapters left out"]["logits"][1], right["logits_real_fake"][1]
    assert_told_apart(found, right["adapter7_out_tokens_first"], logits, WITHIN)


@torch.no_grad()
def test_the_network_is_the_official_one_in_double_precision(fatformer: FatFormer) -> None:
    batch = FatFormer.prepare(picture("jpeg256"))[None]
    exact = fatformer.network.double()(batch.double())[0]
    fatformer.network.float()
    assert exact.tolist() == pytest.approx(IMAGES["jpeg256"]["float64_logits"], abs=1e-8)


def test_a_file_with_more_adapters_is_refused(tmp_path: Path) -> None:
    """The code's own default is eight; with that the published file leaves five at their beginning."""
    surplus = "clip_model.visual.transformer.resblocks.3.forgery_aware_adapter.freq_scale"
    state = flat("fatformer") | {surplus: torch.zeros(1)}
    torch.save({"model": state}, tmp_path / "it.pth")
    with pytest.raises(WrongWeights, match=r"resblocks\.3\.forgery_aware_adapter\.freq_scale' is unexpected"):
        FatFormer("progan", Weights(paths={"fatformer": tmp_path / "it.pth"}, unverified=True))
