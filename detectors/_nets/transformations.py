"""LGrad's transformation models: for each, how an image becomes the number that is differentiated.

The paper (section 3.1) fixes the number: the sum of all outputs of the frozen model M for the image. Its
gradient with respect to the model's *input* (after resizing and normalising) is the gradient picture.

| name                          | outputs that are summed                            | input             |
|-------------------------------|----------------------------------------------------|-------------------|
| stylegan-*, stylegan2-church, | the discriminator's raw score                      | 256², [-1, 1]     |
| progan-*                      |                                                    |                   |
| idinvert                      | the encoder's 14 × 512 latent codes                | 256², [-1, 1]     |
| vgg16, inception-v3, resnet50 | 1000 logits of ImageNet                            | 256², ImageNet's  |
| deeplab-v3                    | 21 logits of each of 256² pixels (main head)       | 256², ImageNet's  |
| vit                           | 1000 logits of ImageNet                            | 224², ImageNet's  |
| clip-rn50                     | 1024 features after attention pooling              | 224², CLIP's      |
| input-image                   | none: the classifier sees the 8-bit pixels         | 256²              |

Only `stylegan-bedroom` is official: its code was released. It squashes the picture to 256² with torchvision's
bilinear filter; the older TensorFlow code, with which the authors made their training data, used Pillow's
default, bicubic since Pillow 7: that is `stylegan-bedroom-tf-resize`.

**All else is our reading**, since nobody published code or classifiers for it:

* The other discriminators get what the official code gives StyleGAN's.
* Networks of torchvision and CLIP get the statistics they were published with. The picture is still squashed
  to 256²: the official loader has ImageNet's statistics beside that size, commented out, and classifiers are
  trained on crops of 224 from pictures of 256. (InceptionV3 and DeepLabV3 themselves were trained larger.)
* ViT-B/16 and CLIP's RN50 have one position code for each patch of 224² and take nothing else: the picture is
  squashed to 224², and the gradient picture is as large. Differentiating through a resize from 256² would
  print the pattern of that resize onto the gradient.
* InceptionV3 turns ImageNet's statistics into [-1, 1] by itself, as torchvision has it for its published
  weights; we differentiate with respect to what it is given.
* "All of those models … are released by the official code" (section 4.2): we take what PyTorch users had in
  2022, torchvision's first weights for ImageNet and its DeepLabV3 on ResNet-101, that paper's own depth.
* Idinvert: in-domain inversion publishes an encoder (image to codes) and a generator; a discriminator serves
  training alone. A "GAN inversion" model whose output is a vector is the encoder; we take LSUN bedroom's.
* `progan-random` (Table 1) draws ProGAN's discriminator as its training starts: normal weights, zero biases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from numpy.random import RandomState
from torch import nn

from forenbench.weights import Checkpoint, Weights

from .encoders import CLIP_RN50, RESNET_50, VIT_B16, identity
from .gan_discriminators import fold, pggan_256, stylegan_256
from .gradients import gradient_images
from .idinvert_encoder import idinvert_256
from .image_models import (
    clip_rn50,
    deeplab_v3,
    imagenet_resnet_50,
    inception_v3,
    of_clip,
    of_vit,
    vgg_16,
    vit_b16,
)
from .networks import Network, shipped
from .pixels import CLIP, IMAGENET, PLAIN, SYMMETRIC, Preprocess, as_pixels
from .published import Marks, published
from .small import small_discriminator
from .stylegan2_discriminator import stylegan2_256

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Untrained:
    """A network with the random weights it would start training from; the same ones on every machine.

    Attributes:
        build: Makes it unfilled.
        seed: Of numpy's RandomState, which draws the weights in state-dict order.
    """

    build: Callable[[], nn.Module]
    seed: int

    def load(self, weights: Weights, known: tuple[Checkpoint, ...]) -> nn.Module:
        """Build, draw and freeze it, once per run; needs no file."""

        def make() -> nn.Module:
            # NumPy's generator, whose stream is frozen, in place
            # of torch's, which may change between its versions.
            network, random = self.build(), RandomState(self.seed)
            for key, value in network.state_dict().items():
                if key.endswith("weight"):
                    value.copy_(torch.from_numpy(random.standard_normal(value.shape)))
                else:
                    value.zero_()
            return network.to(weights.device).eval().requires_grad_(False)

        return weights.shared(f"{self.build.__name__}, seed {self.seed}", make)


@dataclass(frozen=True)
class Transformation:
    """What LGrad's classifier sees of an image; training and testing share it.

    Attributes:
        prepare: Turns one RGB image into the model's input (3, H, W).
        model: Whose outputs are differentiated; None: the classifier sees the image itself.
        on_cpu: Images that a CPU differentiates together. One of a GAN's discriminator, whose maps are large,
            and of a transformer, whose attention PyTorch (2.14) transposes for several, which it multiplies
            more slowly; elsewhere weights are large, and reading them once for several pays.
        on_gpu: The same of a GPU, which few would leave idle; so few that gradients need less than 8 GiB.
    """

    prepare: Preprocess
    model: Network | Untrained | None = None
    on_cpu: int = 4
    on_gpu: int = 16

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The files it reads."""
        return (self.model.checkpoint,) if isinstance(self.model, Network) else ()

    def load(self, weights: Weights, known: tuple[Checkpoint, ...] = ()) -> nn.Module | None:
        """Make the frozen network, once per run; None where there is none.

        Args:
            weights: The run's files, and the device.
            known: Checkpoints that users may mistake for this one's.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It holds something else.
        """
        if self.model is None:
            return None
        network = self.model.load(weights, known)
        fold(network)
        return network

    def pictures(self, network: nn.Module | None, batch: Tensor) -> Tensor:
        """Turn n prepared images (n, 3, H, W) into 8-bit pictures (n, 3, H, W), each by itself."""
        if network is None:
            return as_pixels(batch)
        return gradient_images(network, batch, self.at_once(batch.device))

    def at_once(self, device: torch.device) -> int:
        """Say how many images are differentiated together."""
        # By the kind of device alone, not by its free memory: batches of another size differ in the last bit,
        # and by rounding in a level of a picture here and there.
        return self.on_cpu if device.type == "cpu" else self.on_gpu


class PictureMaker:
    """A transformation with its network; a `forenbench.types.Encoder` whose features are 8-bit pictures.

    Detectors that share it share the work, which is most of LGrad's.

    Attributes:
        prepare: Turns one RGB image into the model's input.
        identity: What its pictures are; empty: not known, so they are never kept.
    """

    version = "2"
    """Change it whenever the pictures of the same files change."""

    def __init__(self, transformation: Transformation, network: nn.Module | None, identity: str = "") -> None:
        self.prepare, self.identity = transformation.prepare, identity
        self.transformation, self.network = transformation, network

    def encode(self, batch: Tensor) -> Tensor:
        """Turn n prepared images (n, 3, H, W) into uint8 pictures (n, 3, H, W)."""
        return self.transformation.pictures(self.network, batch)


def picture_maker(name: str, weights: Weights, known: tuple[Checkpoint, ...] = ()) -> PictureMaker:
    """Load a transformation by its name in `TRANSFORMATIONS`, once per run."""
    transformation = TRANSFORMATIONS[name]

    def make() -> PictureMaker:
        # What the network's pictures rest on is part of their identity; the detector records the same files.
        with weights.recording() as files:
            network = transformation.load(weights, known)
        if network is None:  # the image itself costs less to make than to keep
            return PictureMaker(transformation, network)
        at_once = f"{transformation.on_cpu} at once, {transformation.on_gpu} on a GPU"
        version = f"{PictureMaker.version} ({at_once})"
        pictures = identity(f"lgrad-{name}", version, files, transformation.prepare)
        return PictureMaker(transformation, network, pictures)

    return weights.shared(f"pictures of {name}", make)


def _gan(build: Callable[[], nn.Module], name: str, marks: Marks) -> Network:
    return Network(build, published(name, {**marks, "layer14.weight": (1, 512)}))


_STYLEGAN: Marks = {"layer1.blur.kernel": (64, 1, 3, 3)}
_PROGAN: Marks = {"input6.weight": (512, 3, 1, 1)}
_BEDROOM = _gan(stylegan_256, "stylegan-bedroom", _STYLEGAN)
_CATS = _gan(stylegan_256, "stylegan-cats", _STYLEGAN)
_CHURCH = _gan(stylegan2_256, "stylegan2-church", {"skip_layer0.weight": (256, 128, 1, 1)})
_PROGAN_BEDROOM = _gan(pggan_256, "progan-bedroom", _PROGAN)
_PROGAN_BRIDGE = _gan(pggan_256, "progan-bridge", _PROGAN)


def _plain(build: Callable[[], nn.Module], name: str, marks: Marks) -> Network:
    return Network(build, published(name, marks))


_IDINVERT = _plain(idinvert_256, "idinvert-bedroom", {"block7.fc.weight": (7168, 16384)})
_VGG = _plain(vgg_16, "vgg16", {"features.0.weight": (64, 3, 3, 3), "classifier.6.weight": (1000, 4096)})
_INCEPTION = _plain(inception_v3, "inception-v3", {"AuxLogits.fc.weight": (1000, 768)})
_DEEPLAB = _plain(deeplab_v3, "deeplab-v3", {"classifier.4.weight": (21, 256, 1, 1)})
_RESNET = Network(imagenet_resnet_50, RESNET_50)
_VIT = Network(vit_b16, VIT_B16, of_vit)
_CLIP = Network(clip_rn50, CLIP_RN50, of_clip)

# Squashed, aspect ratio and all: `Resize((256, 256))` in img2gad_pytorch/gen_imggrad.py.
_GAN = Preprocess(SYMMETRIC, resize=256)
_TF = Preprocess(SYMMETRIC, resize=256, resample="bicubic")
_IMAGENET = Preprocess(IMAGENET, resize=256)
_IMAGENET_224 = Preprocess(IMAGENET, resize=224)
_CLIP_224 = Preprocess(CLIP, resize=224)

TRANSFORMATIONS: Mapping[str, Transformation] = {
    "stylegan-bedroom": Transformation(_GAN, _BEDROOM, on_cpu=1),
    "stylegan-bedroom-tf-resize": Transformation(_TF, _BEDROOM, on_cpu=1),
    "stylegan-cats": Transformation(_GAN, _CATS, on_cpu=1),
    "stylegan2-church": Transformation(_GAN, _CHURCH, on_cpu=1, on_gpu=8),
    "progan-bedroom": Transformation(_GAN, _PROGAN_BEDROOM, on_cpu=1),
    "progan-bridge": Transformation(_GAN, _PROGAN_BRIDGE, on_cpu=1),
    "progan-random": Transformation(_GAN, Untrained(pggan_256, seed=0), on_cpu=1),
    "idinvert": Transformation(_GAN, _IDINVERT),
    "vgg16": Transformation(_IMAGENET, _VGG),
    "inception-v3": Transformation(_IMAGENET, _INCEPTION),
    "resnet50": Transformation(_IMAGENET, _RESNET),
    "deeplab-v3": Transformation(_IMAGENET, _DEEPLAB, on_cpu=2, on_gpu=8),
    "vit": Transformation(_IMAGENET_224, _VIT, on_cpu=1),
    "clip-rn50": Transformation(_CLIP_224, _CLIP),
    "input-image": Transformation(Preprocess(PLAIN, resize=256)),
    "nearest-gan": Transformation(_GAN, Network(small_discriminator, shipped("nearest_discriminator"))),
}
"""By the names that ``--transformation`` of ``bench train lgrad`` takes."""
