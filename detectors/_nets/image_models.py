"""Classifiers and other well-known networks, unfilled, from the libraries that define their published files.

Those of torchvision take other sizes than they were trained with, but for the vision transformer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

State = Mapping[str, object]


def vgg_16() -> nn.Module:
    """Make VGG16: (n, 3, H, W) to ImageNet's 1000 logits."""
    from torchvision import models

    network: nn.Module = models.vgg16(init_weights=False)
    return network


def inception_v3() -> nn.Module:
    """Make InceptionV3: (n, 3, H, W) to ImageNet's 1000 logits; the auxiliary head is not run.

    It turns ImageNet's statistics into the [-1, 1] it was trained with, as torchvision's pretrained one does.
    """
    from torchvision import models

    # Left to its default, torchvision warns that the
    # initialisation is going to change; none of it would stay.
    network: nn.Module = models.inception_v3(init_weights=False, transform_input=True)
    return network


def imagenet_resnet_50() -> nn.Module:
    """Make ResNet-50: (n, 3, H, W) to ImageNet's 1000 logits."""
    from torchvision import models

    network: nn.Module = models.resnet50()
    return network


def vit_b16() -> nn.Module:
    """Make the vision transformer ViT-B/16: (n, 3, 224, 224) to ImageNet's 1000 logits."""
    from torchvision import models

    network: nn.Module = models.vit_b_16()
    return network


def deeplab_v3() -> nn.Module:
    """Make DeepLabV3 on ResNet-101: (n, 3, H, W) to the logits of 21 classes at each pixel, (n, 21, H, W)."""
    from torchvision import models

    network: nn.Module = models.segmentation.deeplabv3_resnet101(
        weights_backbone=None, num_classes=21, aux_loss=True
    )
    # LGrad sums all outputs of a network; the auxiliary head was of use in its training alone.
    network.register_forward_hook(lambda module, images, outputs: outputs["out"])
    return network


def clip_rn50() -> nn.Module:
    """Make the image tower of CLIP's RN50: (n, 3, 224, 224) to (n, 1024)."""
    import open_clip

    tower: nn.Module = open_clip.CLIP(**open_clip.get_model_config("RN50-quickgelu")).visual
    return tower


def siglip_so400m() -> nn.Module:
    """Make the image tower of SigLIP SO400M/14 for 384 pixels: (n, 3, 384, 384) to (n, 1152)."""
    from timm import create_model

    # With GELU itself: transformers has its tanh form there, and other features.
    tower: nn.Module = create_model("vit_so400m_patch14_siglip_384", num_classes=0)
    return tower


def of_siglip(content: State) -> State:
    """Find the entries of the image tower in a file of open_clip, whose tower is timm's."""
    start = "visual.trunk."
    return {key.removeprefix(start): value for key, value in content.items() if key.startswith(start)}


def of_clip(content: State) -> State:
    """Find the entries of the image tower in a file of open_clip, which has the text tower too, or alone."""
    tower = {key.removeprefix("visual."): content[key] for key in content if key.startswith("visual.")}
    # OpenAI's file, and open_clip's copy of it, have both towers; people save the image tower alone, too.
    return tower or content


def of_vit(content: State) -> State:
    """Give the entries of ViT-B/16's published file the names that torchvision has had since version 0.13."""
    # torchvision renames them inside `load_state_dict` as
    # well, which is too late for a strict comparison of keys.
    names = {"mlp.linear_1.": "mlp.0.", "mlp.linear_2.": "mlp.3."}
    for before, now in names.items():
        content = {key.replace(before, now): value for key, value in content.items()}
    return content
