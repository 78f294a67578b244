"""LGrad as a plugin: its variants, what each needs, wrong files; without published weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.stylegan2_discriminator import stylegan2_256
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Untrained
from forenbench.detectors.lgrad import RECIPES, LGrad
from forenbench.weights import MissingWeights, Weights, WrongWeights

TABLE_5 = (
    *("vgg16-1class", "inception-v3-1class", "resnet50-1class", "clip-rn50-1class", "vit-1class"),
    *("deeplab-v3-1class", "idinvert-1class", "progan-bedroom-1class", "progan-bridge-1class"),
    *("stylegan-bedroom-1class", "stylegan-cats-1class", "stylegan2-church-1class"),
)
TABLE_1 = (
    *("input-image-celebahq", "progan-random-celebahq", "vgg16-celebahq", "clip-rn50-celebahq"),
    *("progan-bedroom-celebahq", "progan-bridge-celebahq"),
)
TABLE_6 = ("stylegan-bedroom-4k", "stylegan-bedroom-9k", "stylegan-bedroom-18k", "stylegan-bedroom-1class")
TABLE_3 = (
    *("stylegan-bedroom", "stylegan-bedroom-2class", "stylegan-bedroom-1class"),
    *("progan-bedroom-1class", "progan-bedroom-2class", "progan-bedroom-4class"),
)


@pytest.mark.parametrize("variant", sorted({*TABLE_1, *TABLE_3, *TABLE_5, *TABLE_6}))
def test_every_row_of_the_papers_tables_has_a_variant(variant: str) -> None:
    assert variant in LGrad.variants["published"]


@pytest.mark.parametrize("variant", RECIPES)
def test_a_variant_is_named_after_its_transformation_and_needs_its_files(variant: str) -> None:
    recipe = RECIPES[variant]
    transformation = TRANSFORMATIONS[recipe.transformation]
    assert variant.startswith(recipe.transformation.removesuffix("-tf-resize"))
    assert LGrad.needs[variant] == (*transformation.checkpoints, recipe.classifier.checkpoint)
    assert set(LGrad.needs[variant]) <= set(LGrad.checkpoints)


def test_only_three_classifiers_are_published_and_the_older_resize_shares_them() -> None:
    published = {
        name: files[-1].name for name, files in LGrad.needs.items() if name in LGrad.variants["published"]
    }
    assert {name: file for name, file in published.items() if file != f"lgrad-{name}"} == {
        "stylegan-bedroom": "lgrad-4class",
        "stylegan-bedroom-2class": "lgrad-2class",
        "stylegan-bedroom-1class": "lgrad-1class",
        "stylegan-bedroom-tf-resize": "lgrad-4class",
        "stylegan-bedroom-2class-tf-resize": "lgrad-2class",
        "stylegan-bedroom-1class-tf-resize": "lgrad-1class",
    }


@pytest.mark.parametrize("variant", RECIPES)
def test_random_weights_are_only_there_by_their_own_name(variant: str) -> None:
    transformation = TRANSFORMATIONS[RECIPES[variant].transformation]
    assert isinstance(transformation.model, Untrained) == ("random" in variant)


@pytest.mark.parametrize(
    ("variant", "options"),
    [
        ("vit-1class", "--transformation vit --data forensynths-train --classes horse --out [a-z]+$"),
        ("progan-bedroom-4class", "--classes car,cat,chair,horse --out [a-z]+$"),
        ("stylegan-bedroom-9k", "stylegan-bedroom .*--classes horse --limit 9000 --out [a-z]+$"),
        ("input-image-celebahq", "--transformation input-image --data celebahq-train --out [a-z]+$"),
    ],
)
def test_what_nobody_published_comes_with_the_command_that_trains_it(variant: str, options: str) -> None:
    source = LGrad.needs[variant][-1].source
    assert "bench train lgrad " in source
    assert re.search(options, source)


# --- files


def test_absent_classifiers_of_ones_own_are_named_with_that_command() -> None:
    with pytest.raises(MissingWeights, match=r"'lgrad-input-image-celebahq'.* bench train lgrad "):
        LGrad("input-image-celebahq", Weights())


@pytest.mark.slow
def test_without_a_file_progan_random_lacks_nothing_but_its_classifier() -> None:
    with pytest.raises(MissingWeights, match="weights 'lgrad-progan-random-celebahq'"):
        LGrad("progan-random-celebahq", Weights())


@pytest.mark.slow
def test_a_classifier_given_for_the_discriminator_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(resnet_50().state_dict(), path)
    with pytest.raises(WrongWeights, match="key 'lod' is missing; it seems to be weights 'lgrad-4class'"):
        LGrad("stylegan-bedroom", Weights(paths={"stylegan-bedroom": path}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "named", "variant", "wanted"),
    [
        (pggan_256, "progan-bedroom", "stylegan-bedroom", "stylegan-bedroom"),
        (stylegan2_256, "stylegan2-church", "progan-bridge-1class", "progan-bridge"),
        (stylegan_256, "stylegan-bedroom", "stylegan2-church-1class", "stylegan2-church"),
    ],
)
def test_another_gans_discriminator_is_recognised(
    tmp_path: Path, given: Callable[[], torch.nn.Module], named: str, variant: str, wanted: str
) -> None:
    path = tmp_path / "other.pth"
    torch.save(given().state_dict(), path)
    with pytest.raises(WrongWeights, match=f"weights '{wanted}': .* it seems to be weights '{named}'"):
        LGrad(variant, Weights(paths={wanted: path}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "variant", "name"),
    [
        (stylegan_256, "stylegan-bedroom", "stylegan-bedroom"),
        (stylegan2_256, "stylegan2-church-1class", "stylegan2-church"),
        (pggan_256, "progan-bridge-1class", "progan-bridge"),
    ],
)
@pytest.mark.parametrize("triple", [True, False])
def test_discriminators_are_read_from_a_genforce_triple_and_bare(
    tmp_path: Path, build: Callable[[], torch.nn.Module], variant: str, name: str, triple: bool
) -> None:
    path, state = tmp_path / "gan.pth", build().state_dict()
    torch.save({"generator": {}, "discriminator": state, "generator_smooth": {}} if triple else state, path)
    with pytest.raises(MissingWeights, match="weights 'lgrad-"):  # so the first file was taken
        LGrad(variant, Weights(paths={name: path}))


@pytest.mark.slow
def test_a_classifier_under_model_is_read_too(tmp_path: Path) -> None:
    """So CNNDetection's code saves it, from which LGrad's and AIGCDetectBenchmark's descend."""
    path, discriminator = tmp_path / "LGrad.pth", tmp_path / "stylegan.pth"
    state = resnet_50().state_dict()
    torch.save({"model": state, "optimizer": {}, "total_steps": 9}, path)
    torch.save(stylegan_256().state_dict(), discriminator)
    paths = {"lgrad-4class": path, "stylegan-bedroom": discriminator}
    detector = LGrad("stylegan-bedroom", Weights(paths=paths))
    assert torch.equal(detector.classifier.state_dict()["fc.weight"], state["fc.weight"])


@pytest.mark.slow
def test_variants_with_one_transformation_share_its_work(tmp_path: Path) -> None:
    discriminator, classifier = tmp_path / "stylegan.pth", tmp_path / "classifier.pth"
    torch.save(stylegan_256().state_dict(), discriminator)
    torch.save(resnet_50().state_dict(), classifier)
    paths = {"stylegan-bedroom": discriminator, "lgrad-4class": classifier, "lgrad-1class": classifier}
    weights = Weights(paths=paths)
    one, other = (LGrad(variant, weights) for variant in ("stylegan-bedroom", "stylegan-bedroom-1class"))
    squashed = LGrad("stylegan-bedroom-tf-resize", weights)
    assert one.encoder is other.encoder
    assert squashed.encoder is not one.encoder
    assert squashed.encoder.network is one.encoder.network
