"""RINE against the official code: class tokens of all blocks, four heads, ten crops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import SHARED, assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from huggingface import tiny_tower
from torch import Tensor, nn

from forenbench.detectors._nets.block_importance import BlockImportance
from forenbench.detectors._nets.encoders import CLIP_TAPS, FrozenEncoder
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess, normalise
from forenbench.detectors.rine import SIZES, OneCropRine, Rine, TenCropRine, TenCrops, head_of
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import MissingWeights, Weights, WrongWeights

CUT = modern("rine")
GOLDEN = CUT["golden"]
IMAGES, WRONG, TEN = GOLDEN["images"], GOLDEN["wrong_variants"]["rgb384x512"], GOLDEN["tencrop"]["rgb256a"]
WITHIN = card("rine").within
REAL = SHARED.parent / "golden3" / "rine" / "model_2class_trainable.pth"
ENCODED = ("rgb384x512", "rgb180x200")
INPUT = Preprocess(CLIP, crop=224)
TAPS = {"ln_1": r"transformer\.resblocks\.\d+\.ln_1", "block": r"transformer\.resblocks\.\d+"}
"""What wrong implementations read."""


def drawn(network: nn.Module) -> dict[str, Tensor]:
    return he_weights(shapes_of(network), {"alpha": lambda z: z})


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write each head as it is published."""
    folder = tmp_path_factory.mktemp("rine")
    for name in SIZES:
        state = drawn(head_of(name).build())
        assert keys_sha256([(key, tuple(value.shape)) for key, value in state.items()]) == CUT[f"keys_{name}"]
        assert sha256_of_weights(state) == GOLDEN["weights_sha256"][name]
        torch.save(state, folder / name)
    return {f"rine-{name}": folder / name for name in SIZES}


@pytest.fixture(scope="module")
def detectors(heads: Mapping[str, Path], vit_l14_file: Path) -> dict[str, OneCropRine | TenCropRine]:
    weights = Weights(paths={**heads, "clip-vit-l14": vit_l14_file}, unverified=True)
    return {variant: Rine(variant, weights) for variant in Rine.variants["published"]}


@pytest.fixture(scope="module")
def encoder(detectors: dict[str, OneCropRine | TenCropRine]) -> FrozenEncoder:
    found = [one.encoder for one in detectors.values() if isinstance(one, OneCropRine)]
    assert len(found) == 4
    assert all(one is found[0] for one in found)
    return found[0]


@pytest.fixture(scope="module")
def read(encoder: FrozenEncoder) -> dict[str, Tensor]:
    """Class tokens of the two pictures, right ones and others."""
    reader = FrozenEncoder(encoder.network, INPUT, 768, taps={**CLIP_TAPS, **TAPS})
    norms = [block.ln_2 for block in encoder.network.transformer.resblocks]
    before: list[Tensor] = []
    hooks = [
        norm.register_forward_pre_hook(lambda module, given: before.append(given[0][:, 0].clone()))
        for norm in norms
    ]
    with torch.no_grad():
        inputs = torch.stack([INPUT(picture(name)) for name in ENCODED])
        outputs = reader.outputs(inputs, (*CLIP_TAPS, *TAPS))
    for hook in hooks:
        hook.remove()
    return outputs | {"before_ln_2": torch.stack(before, 1)}


@pytest.mark.parametrize("name", IMAGES)
def test_input_is_the_official_one(name: str) -> None:
    assert_sample(INPUT(picture(name)), IMAGES[name]["input"], 1e-6)


def test_ten_crops_are_the_official_ones_and_small_pictures_get_a_black_border() -> None:
    assert_sample(TenCrops()(picture("rgb256a")), TEN["input"], 1e-6)
    assert "bigger than input size" in GOLDEN["tencrop"]["rgb180x200"]["official_error"]
    small = TenCrops()(picture("rgb180x200"))
    assert torch.equal(small[:5], INPUT(picture("rgb180x200")).expand(5, -1, -1, -1))
    assert torch.equal(small[5:], small[:5].flip(3))


@pytest.mark.slow
def test_outputs_of_the_encoder_are_the_official_ones(read: dict[str, Tensor]) -> None:
    for n, name in enumerate(ENCODED):
        golden = IMAGES[name]
        assert_sample(read["cls_ln2"][n], golden["all24"], 1e-3)
        for block in (0, 1, 11, 22, 23):
            assert_sample(read["cls_ln2"][n, block], golden[f"cls_ln2_block{block}"], 1e-3)
        assert_sample(read["ln_post"][n], golden["ln_post"], 1e-3)
        assert_sample(read[""][n], golden["projection768"], 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
@torch.no_grad()
def test_logits_are_the_official_ones_and_other_tokens_give_others(
    name: str, detectors: dict[str, OneCropRine | TenCropRine], read: dict[str, Tensor]
) -> None:
    head, tokens = detectors[name].head, read["cls_ln2"]
    golden = [IMAGES[picture]["heads"][name] for picture in ENCODED]
    right = head(tokens).squeeze(1).tolist()
    assert right == pytest.approx([one["logit"] for one in golden], abs=WITHIN, rel=0)
    embedded = head.proj2((head.alpha.softmax(1) * head.proj1(tokens)).sum(1))
    for ours, official in zip(embedded, golden, strict=True):
        assert_sample(ours, official["z"], WITHIN)
    wrong = {
        "block_output_instead_of_ln_2": head(read["block"][:1]),
        "ln_1_instead_of_ln_2": head(read["ln_1"][:1]),
        "before_ln_2": head(read["before_ln_2"][:1]),
        "blocks_in_reverse_order": head(tokens[:1].flip(1)),
        "softmax_over_features_instead_of_blocks": head.head(
            head.proj2((head.alpha.softmax(2) * head.proj1(tokens[:1])).sum(1))
        ),
    }
    for mistake, ours in wrong.items():
        # A block's output is ten times as large as a norm's, and so is the rounding behind it.
        assert ours.item() == pytest.approx(WRONG[mistake][name], abs=WITHIN, rel=1e-4)
        assert abs(ours.item() - right[0]) > 30 * WITHIN


def test_other_inputs_are_told_from_the_official_one() -> None:
    image = picture(ENCODED[0])
    wrong = {
        "imagenet_mean_std": Preprocess(IMAGENET, crop=224)(image),
        "resize256_shorter_then_crop": Preprocess(CLIP, resize=256, crop=224, squash=False)(image),
        "bgr": normalise(INPUT.levels(image).flip(0), CLIP),
    }
    for mistake, tensor in wrong.items():
        for name in SIZES:
            logits = WRONG[mistake][name], WRONG["right"][name]
            assert_told_apart(tensor, IMAGES[ENCODED[0]]["input"], logits, WITHIN)


@pytest.mark.slow
@torch.no_grad()
def test_plain_gelu_in_the_tower_gives_other_logits(
    detectors: dict[str, OneCropRine | TenCropRine], encoder: FrozenEncoder
) -> None:
    gates = [block.mlp for block in encoder.network.transformer.resblocks]
    quick = gates[0].gelu
    for gate in gates:
        gate.gelu = nn.GELU()
    tokens = encoder.outputs(INPUT(picture(ENCODED[0]))[None], ["cls_ln2"])["cls_ln2"]
    for gate in gates:
        gate.gelu = quick
    ours = detectors["4class"].head(tokens).item()
    assert ours == pytest.approx(WRONG["plain_gelu"]["4class"], abs=WITHIN, rel=0)
    assert abs(ours - WRONG["right"]["4class"]) > 10 * WITHIN


@pytest.mark.slow
@torch.no_grad()
def test_crops_have_the_official_logits(
    detectors: dict[str, OneCropRine | TenCropRine], encoder: FrozenEncoder
) -> None:
    """Of a mirrored one: its place among the ten, and the numbers of both heads."""
    places = [6]
    tokens = encoder.outputs(detectors["ldm"].prepare(picture("rgb256a"))[places], ["cls_ln2"])["cls_ln2"]
    for name in ("4class", "ldm"):
        official = torch.tensor(TEN[name]["logits"])
        ours = detectors[name].head(tokens).squeeze(1)
        assert ours.tolist() == pytest.approx(official[places].tolist(), abs=WITHIN, rel=0)
        assert official.mean().sigmoid().item() == pytest.approx(TEN[name]["sigmoid_of_mean"], abs=1e-6)
        assert official.sigmoid().mean().item() == pytest.approx(
            TEN[name]["WRONG_mean_of_sigmoids"], abs=1e-6
        )


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason=f"needs {REAL}")
@torch.no_grad()
def test_the_released_head_loads_strictly_and_gives_the_official_logits(read: dict[str, Tensor]) -> None:
    weights = Weights(paths={"rine-2class": REAL})
    with weights.recording() as used:
        head = head_of("2class").load(weights, Rine.checkpoints)
    assert used == {"rine-2class": GOLDEN["real_head"]["sha256"]}  # under its own name: the published file
    assert_sample(head.alpha, GOLDEN["real_head"]["alpha"], 0)
    expected = [IMAGES[name]["heads"]["2class_real"]["logit"] for name in ENCODED]
    assert head(read["cls_ln2"]).squeeze(1).tolist() == pytest.approx(expected, abs=WITHIN, rel=0)


def tiny() -> tuple[FrozenEncoder, nn.Module]:
    tower, head = tiny_tower(), BlockImportance(2, 8, blocks=2, token=32)
    tower.load_state_dict(he_weights(shapes_of(tower)))
    head.load_state_dict(drawn(head))
    return FrozenEncoder(tower.eval(), INPUT, 16, taps=CLIP_TAPS), head.eval()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [OneCropRine, TenCropRine])
def test_contract(kind: type[OneCropRine | TenCropRine]) -> None:
    results = {result.check: result.problem for result in check_detector(kind("rine:tiny", *tiny()))}
    assert results == dict.fromkeys(CHECKS, "")


@torch.no_grad()
def test_the_mean_of_ten_crops_is_that_of_logits() -> None:
    encoder, head = tiny()
    crops = torch.stack([TenCrops()(picture(name)) for name in ("rgb256a", "rgb384x512")])
    one, ten = OneCropRine("one", encoder, head), TenCropRine("ten", encoder, head)
    each = one.logit(encoder.outputs(crops.flatten(0, 1), ["cls_ln2"])["cls_ln2"]).view(2, 10)
    assert ten.logit(crops).tolist() == pytest.approx(each.mean(1).tolist(), rel=1e-4)
    assert ten.score(crops).tolist() != pytest.approx(each.sigmoid().mean(1).tolist(), rel=1e-4)


def test_a_head_of_another_size_is_refused_by_its_name(heads: Mapping[str, Path]) -> None:
    for name, other, words in (
        ("1class", "4class", "it seems to be weights 'rine-4class'"),
        ("4class", "1class", r"key 'proj1.7.weight' is unexpected"),
        ("1class", "2class", "it seems to be weights 'rine-2class'"),
    ):
        weights = Weights(paths={f"rine-{name}": heads[f"rine-{other}"]}, unverified=True)
        with pytest.raises(WrongWeights, match=words):
            head_of(name).load(weights, Rine.checkpoints)


def test_of_two_missing_files_the_larger_is_named_first() -> None:
    with pytest.raises(MissingWeights, match="'clip-vit-l14'"):
        Rine("4class", Weights())
