"""D3's two looks at a picture: with its tiles in disorder, and as it is."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from forenbench.weights import Weights

from .encoders import BACKBONES, FrozenEncoder, identity

if TYPE_CHECKING:
    from .pixels import Preprocess

TILE = 14
"""Side of a tile, which is one of CLIP's patches: the order alone changes, and no patch."""

# fmt: off
ORDER = (
    201, 13, 65, 55, 215, 95, 102, 179, 106, 188, 62, 30, 160, 80, 35, 15, 144, 166, 210, 31, 27, 165, 51,
    238, 231, 172, 158, 175, 14, 44, 132, 159, 198, 183, 99, 78, 36, 71, 1, 162, 137, 240, 138, 126, 74,
    180, 2, 116, 237, 209, 16, 119, 141, 117, 115, 43, 214, 152, 104, 151, 63, 125, 18, 228, 227, 200,
    245, 38, 5, 89, 12, 50, 178, 4, 28, 145, 135, 177, 208, 53, 66, 206, 189, 129, 0, 42, 73, 19, 60, 143,
    45, 48, 86, 103, 54, 118, 202, 109, 127, 96, 173, 37, 230, 255, 72, 199, 205, 236, 64, 59, 146, 249,
    3, 39, 182, 190, 221, 108, 49, 110, 34, 46, 168, 194, 9, 204, 8, 97, 21, 212, 218, 192, 156, 84, 85,
    77, 105, 229, 207, 246, 222, 250, 98, 111, 239, 11, 91, 223, 232, 56, 241, 93, 174, 169, 88, 211, 185,
    57, 149, 243, 58, 203, 52, 155, 112, 164, 154, 20, 40, 79, 213, 120, 148, 254, 136, 247, 29, 68, 140,
    123, 75, 92, 107, 153, 251, 234, 167, 139, 219, 131, 101, 161, 147, 67, 196, 47, 82, 224, 41, 61, 150,
    244, 22, 253, 130, 7, 133, 90, 6, 124, 25, 184, 10, 87, 181, 217, 187, 242, 114, 191, 157, 17, 226,
    233, 128, 113, 248, 193, 142, 122, 220, 225, 100, 94, 195, 197, 163, 69, 170, 235, 24, 76, 252, 23,
    81, 121, 186, 134, 216, 171, 176, 70, 26, 83, 33, 32,
)
# fmt: on
"""Which tile comes to each place, row by row: what torch 2.14 draws on a CPU with `manual_seed(418)`,
`randperm(256)`. Written down, for torch does not promise to draw the same in other versions."""


def shuffled(pictures: Tensor) -> Tensor:
    """Lay the tiles of n pictures (n, 3, 224, 224) in the order of `ORDER`; all pictures alike."""
    n, channels, height, width = pictures.shape
    rows, columns = height // TILE, width // TILE
    tiles = pictures.reshape(n, channels, rows, TILE, columns, TILE).transpose(3, 4).flatten(2, 3)
    moved = tiles[:, :, list(ORDER)].view(n, channels, rows, columns, TILE, TILE)
    return moved.transpose(3, 4).reshape(pictures.shape)


class PairEncoder:
    """Two passes of one tower; a `forenbench.types.Encoder`.

    Args:
        tower: Has an output `ln_post`.
        prepare: Turns one RGB image of any size into the tower's input.
        files: sha256 of the tower's, by checkpoint name; none: it is not known what features are.
    """

    version = "1"
    """Change it whenever the features of the same files change."""

    def __init__(
        self, tower: FrozenEncoder, prepare: Preprocess, files: dict[str, str] | None = None
    ) -> None:
        self.tower, self.prepare = tower, prepare
        order = sha256(bytes(ORDER)).hexdigest()
        version = f"{self.version}.{tower.version}, order of tiles {order}"
        self.identity = (
            identity("clip-vit-l14, tiles shuffled and not", version, files, prepare) if files else ""
        )

    @classmethod
    def load(cls, weights: Weights, prepare: Preprocess) -> PairEncoder:
        """Put it around OpenAI's CLIP ViT-L/14, which is loaded once per run.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It holds something else.
        """
        with weights.recording() as files:
            tower = BACKBONES["clip-vit-l14"].load(weights)
        return cls(tower, prepare, files)

    def encode(self, batch: Tensor) -> Tensor:
        """Map n prepared images to float32 features (n, 2, 1024): shuffled, and as they are."""
        looks = (self.tower.outputs(one, ["ln_post"])["ln_post"] for one in (shuffled(batch), batch))
        return torch.stack([*looks], 1)
