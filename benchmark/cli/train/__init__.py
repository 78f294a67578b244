"""``bench train``: the recipes of the papers, a module each, and the checkpoints of the package.

Beside its command such a module has a function that names what is trained, by its options, unless the user
does: `name_of`, or `name_of_…` where it has several commands.
"""

from __future__ import annotations

from forenbench.cli.lazy import lazy_group

COMMANDS = {
    "sample": (
        "train_sample:sample",
        "Train the sample dataset's generators and detectors from nothing (half an hour on two cores).",
    ),
    "cnndetection": (
        "train_cnndetection:cnndetection",
        "Train CNNDetection's ResNet-50: blur and JPEG augmentation, early stopping on validation accuracy.",
    ),
    "lgrad": (
        "train_lgrad:lgrad",
        "Train LGrad's ResNet-50 on gradient pictures of a frozen network; the last epoch is the result.",
    ),
    "univfd-lc": (
        "train_univfd:univfd_lc",
        "Train UnivFD's linear layer on a frozen backbone, or (--end-to-end) both together.",
    ),
    "univfd-nn": (
        "train_univfd:univfd_nn",
        "Make UnivFD's bank for nearest neighbours: features of all training images, centre crop.",
    ),
    "frank": (
        "train_frank:frank",
        "Train a classifier of Frank et al.'s on the cosine transform; early stopping on validation loss.",
    ),
    "fredect": (
        "train_frank:fredect",
        "Train FreDect's ResNet-50 on the cosine transform; early stopping on validation accuracy.",
    ),
    "durall": (
        "train_durall:durall",
        "Fit Durall's classifier of radial spectra: a support vector machine or a logistic regression.",
    ),
    "highpass": (
        "train_filtered:highpass",
        "Train LGrad's baseline of high frequencies: its ResNet-50 on pictures less their blur.",
    ),
    "bihpf": (
        "train_filtered:bihpf",
        "Train BiHPF's ResNet-50 on spectra through two high-pass filters (reimplemented).",
    ),
    "autogan": (
        "train_autogan:autogan",
        "Train AutoGAN's ResNet-34 on spectra of generated or simulated images; the last epoch counts.",
    ),
    "cooccurrence": (
        "train_cooccurrence:cooccurrence",
        "Train a small network on co-occurrence matrices of whole pictures; the last epoch is the result.",
    ),
    "frepgan": (
        "train_frepgan:frepgan",
        "Train FrePGAN, reimplemented: maps that hide artefacts, their discriminator, and a ResNet-50.",
    ),
    "fingerprintnet": (
        "train_fingerprintnet:fingerprintnet",
        "Train FingerprintNet, reimplemented, on real images alone: a ResNet-50 on spectra.",
    ),
    "probe": (
        "train_probe:probe",
        "Fit a linear layer to a frozen backbone's features of your images, a fifth kept for validation.",
    ),
    "patchfor": (
        "train_patchfor:patchfor",
        "Train a classifier of patches: cross-entropy of each, until validation has long seen no gain.",
    ),
}

_PROBE = (
    "a linear layer on a frozen backbone is a probe here: 'bench train probe --backbone NAME --data DIR "
    "--out DIR'"
)
app = lazy_group(__name__, COMMANDS, instead={"head": _PROBE}, help="Train checkpoints.")
