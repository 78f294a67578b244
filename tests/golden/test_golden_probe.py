"""Inputs of linear probes against those of the libraries that their names begin with."""

from __future__ import annotations

import pytest
import torch
from golden import assert_sample, card, modern, picture

from forenbench.detectors._nets.probe_backbones import PROBED

IMAGES = modern("linear_probes")["golden"]["images"]
WITHIN = card("probe").within
PIPELINES = {
    "timm-dinov2-l14": "timm:vit_large_patch14_dinov2.lvd142m",
    "timm-dinov2-l14-reg4": "timm:vit_large_patch14_reg4_dinov2.lvd142m",
    "aigenbench-dinov2-l14": "aigenbench:resize224",
    "timm-dinov3-l16": "timm:vit_large_patch16_dinov3.lvd1689m",
    "timm-siglip2-l16-384": "timm:vit_large_patch16_siglip_384.v2_webli",
    "timm-siglip2-so400m-384": "timm:vit_so400m_patch16_siglip_384.v2_webli",
    "timm-pe-core-l14-336": "timm:vit_pe_core_large_patch14_336.fb",
    "openclip-siglip2-l16-384": "open_clip:ViT-L-16-SigLIP2-384",
    "openclip-siglip2-so400m-384": "open_clip:ViT-SO400M-16-SigLIP2-384",
    "openclip-pe-core-l14-336": "open_clip:PE-Core-L-14-336",
}


@pytest.mark.parametrize("name", PIPELINES)
def test_input_is_the_librarys(name: str) -> None:
    for image, golden in IMAGES.items():
        assert_sample(PROBED[name].prepare(picture(image)), golden[PIPELINES[name]], WITHIN)


@pytest.mark.parametrize("network", ["siglip2-l16-384", "siglip2-so400m-384", "pe-core-l14-336"])
def test_two_libraries_give_one_network_different_pictures(network: str) -> None:
    timms, open_clips = (PROBED[f"{library}-{network}"] for library in ("timm", "openclip"))
    assert timms.checkpoint is open_clips.checkpoint
    for image in ("rgb301x257", "rgb384x512"):
        given, other = (one.prepare(picture(image)) for one in (timms, open_clips))
        assert given.shape == other.shape
        assert (given - other).abs().mean() > 0.05


def test_open_clips_own_input_of_clip_is_not_univfds() -> None:
    """`image_transform` of open_clip with CLIP's settings: shorter side to 224, bicubic, then the centre."""
    from open_clip.transform import image_transform

    made = image_transform(
        224,
        is_train=False,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )
    for image in ("rgb180x200", "rgb301x257", "rgb384x512"):
        given = PROBED["openclip-clip-l14"].prepare(picture(image))
        assert torch.allclose(given, made(picture(image)), atol=WITHIN)
        assert not torch.allclose(given, PROBED["clip-vit-l14"].prepare(picture(image)), atol=0.1)
