"""Models without a plugin: ``hf:``, ``onnx:`` and ``timm:`` make detectors that keep the contract."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hub_cache import in_hub_cache
from huggingface_hub import constants
from onnx_graph import colour_classifier
from safetensors.torch import save_file
from torch import nn

from forenbench.errors import BenchError
from forenbench.plugins.loaded import LoadedDetector
from forenbench.plugins.loading import load, load_all
from forenbench.plugins.model_requests import ModelRequest
from forenbench.plugins.prefixed import absolute
from forenbench.testing import CHECKS, check_detector, tiny_image
from forenbench.weights import MissingWeights, Weights, WrongWeights

COLOURS = np.array([[1.0, -1.0], [0.5, 0.25], [-2.0, 1.0]], dtype=np.float32)
PICTURE = tiny_image(1, 40, 30)


@pytest.fixture(autouse=True)
def _hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the cache of whoever runs this."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def one(request: str) -> LoadedDetector:
    (loaded,) = load(request, Weights())
    return loaded


def score(loaded: LoadedDetector) -> float:
    """Score the picture as a run does: what prepares it went to another process."""
    detector: Any = loaded.detector
    batch = pickle.loads(pickle.dumps(detector.prepare))(PICTURE)[None]
    return float(detector.score(detector.encoder.encode(batch) if hasattr(detector, "encoder") else batch)[0])


def kept(loaded: LoadedDetector) -> bool:
    results = {result.check: result.problem for result in check_detector(loaded.detector)}
    return results == dict.fromkeys(CHECKS, "")


def test_a_request_is_read_and_written() -> None:
    text = "timm:vit_base+head=a+b.pth+weights=c.pth#fake=1&fake=2"
    read = ModelRequest.of(text, ("head", "weights"), ("fake",))
    assert read.files == {"head": "a+b.pth", "weights": "c.pth"}
    assert (read.model, read.options, str(read)) == ("vit_base", {"fake": ["1", "2"]}, text)
    with pytest.raises(BenchError, match="says 'fake' 2 times"):
        read.option("fake")


def test_paths_are_made_absolute_for_other_processes_and_names_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("onnx:a.onnx#fake=1") == f"onnx:{tmp_path}/a.onnx#fake=1"
    assert absolute("hf:./mine") == f"hf:{tmp_path}/mine"
    assert absolute("timm:vit+head=h.pth") == f"timm:vit+head={tmp_path}/h.pth"
    assert absolute("./mine.py") == f"{tmp_path}/mine.py"
    assert (absolute("hf:org/name"), absolute("univfd:lc")) == ("hf:org/name", "univfd:lc")


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("hf:", "leaves something empty"),
        ("onnx:a.onnx#fake=", "leaves something empty"),
        ("onnx:a.onnx#mean=3", "unknown option in 'onnx:a.onnx#mean=3' 'mean'"),
        ("onnx:a.onnx+head=b", "unknown file in"),
        ("timm:test_resnet", r"names no head: 'timm:test_resnet\+head=FILE'"),
        ("timm:testresnet+head=a", "no model 'testresnet': did you mean test_resnet"),
    ],
)
def test_what_cannot_be_meant_is_refused(request_text: str, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        load(request_text, Weights())


class TestOnnx:
    """Graphs whose scores can be computed by hand: a product with the mean colour."""

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
        monkeypatch.chdir(tmp_path)
        Path("two.onnx").write_bytes(colour_classifier(COLOURS))
        Path("soft.onnx").write_bytes(colour_classifier(COLOURS, end="Softmax"))
        Path("single.onnx").write_bytes(colour_classifier(COLOURS, batch=1))
        Path("any.onnx").write_bytes(colour_classifier(COLOURS, ("h", "w")))
        Path("sigmoid.onnx").write_bytes(colour_classifier(COLOURS[:, :1], end="Sigmoid"))

    def expected(self, mean: object, std: object, side: int = 8) -> float:
        pixels = np.asarray(PICTURE.resize((side, side), 2), dtype=np.float64) / 255
        logits = ((pixels - mean) / std).mean((0, 1)) @ COLOURS
        return float(1 / (1 + np.exp(logits[0] - logits[1])))

    def test_the_second_of_two_outputs(self) -> None:
        loaded = one("onnx:two.onnx#fake=1")
        expected = self.expected([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        assert score(loaded) == pytest.approx(expected, rel=1e-5)
        sha256 = hashlib.sha256(Path("two.onnx").read_bytes()).hexdigest()
        assert (loaded.name, loaded.weights, dict(loaded.checkpoints)) == (
            "onnx:two",
            "own",
            {"two.onnx (own)": sha256},
        )
        assert loaded.detector.version == ("1, 8x8 squashed, imagenet statistics, generated: logit 1 of 2")

    def test_other_statistics_and_sizes(self) -> None:
        half = score(one("onnx:any.onnx#fake=1&size=16&statistics=half"))
        assert half == pytest.approx(self.expected(0.5, 0.5, 16), rel=1e-5)
        with pytest.raises(BenchError, match="any size; add 'size=224'"):
            one("onnx:any.onnx#fake=1")
        with pytest.raises(BenchError, match="size=9 is not what the graph takes"):
            one("onnx:two.onnx#fake=1&size=9")

    def test_probabilities_are_not_taken_for_logits(self) -> None:
        for name, fake in (("soft", "fake=1&"), ("sigmoid", "")):
            with pytest.raises(BenchError, match="look like probabilities"):
                one(f"onnx:{name}.onnx#{fake.rstrip('&')}")
        logits, probabilities = one("onnx:two.onnx#fake=1"), one("onnx:soft.onnx#fake=1&output=probability")
        assert score(probabilities) == pytest.approx(score(logits), rel=1e-5)

    def test_a_graph_for_one_picture_gives_what_one_for_many_gives(self) -> None:
        many, single = one("onnx:two.onnx#fake=1"), one("onnx:single.onnx#fake=1")
        batch = torch.randn(3, 3, 8, 8)
        torch.testing.assert_close(single.detector.score(batch), many.detector.score(batch))

    def test_of_two_outputs_one_is_named(self) -> None:
        with pytest.raises(BenchError, match=r"0 'output 0', 1 'output 1'\); add 'fake=LABEL'"):
            one("onnx:two.onnx")

    def test_the_same_file_with_two_meanings_is_no_single_detector(self) -> None:
        with pytest.raises(BenchError, match="two detectors are called 'onnx:two'"):
            load_all(["onnx:two.onnx#fake=0", "onnx:two.onnx#fake=1"], Weights())

    def test_other_inputs_and_other_files_are_refused(self) -> None:
        Path("wide.onnx").write_bytes(colour_classifier(COLOURS, (8, 16)))
        with pytest.raises(BenchError, match=r"\(n, 3, H, H\).*write a detector"):
            one("onnx:wide.onnx#fake=1")
        Path("bad.onnx").write_bytes(b"hello")
        with pytest.raises(WrongWeights, match="cannot be run by onnxruntime"):
            one("onnx:bad.onnx")
        with pytest.raises(MissingWeights, match=r"no file at none\.onnx"):
            one("onnx:none.onnx")

    @pytest.mark.slow
    def test_the_contract(self) -> None:
        assert kept(one("onnx:two.onnx#fake=1"))


class TestTimm:
    """A head on timm's smallest network, whose published weights are drawn at random here."""

    NAME = "test_resnet.r160_in1k"

    @pytest.fixture(scope="class")
    @staticmethod
    def network() -> nn.Module:
        import timm

        torch.manual_seed(0)
        network: nn.Module = timm.create_model(TestTimm.NAME)
        return network.eval()

    @pytest.fixture(autouse=True)
    def _files(self, network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        torch.save(network.state_dict(), "net.pth")
        self.weight = torch.linspace(-1, 1, 96)[None]
        torch.save({"weight": self.weight, "bias": torch.tensor([0.5])}, "head.pth")
        both = torch.cat([torch.zeros(1, 96), self.weight])
        torch.save({"model": {"fc.weight": both, "fc.bias": torch.tensor([0.0, 0.5])}}, "two.pth")

    def test_one_output_on_the_features_before_the_classifier(self, network: nn.Module) -> None:
        loaded = one(f"timm:{self.NAME}+weights=net.pth+head=head.pth")
        prepared = loaded.detector.prepare(PICTURE)
        assert tuple(prepared.shape) == (3, 160, 160)
        model: Any = network
        features = model.forward_head(model.forward_features(prepared[None]), pre_logits=True)
        expected = (features @ self.weight[0] + 0.5).sigmoid().item()
        assert score(loaded) == pytest.approx(expected, rel=1e-5)
        assert (loaded.name, loaded.weights) == (f"timm:{self.NAME}+head", "own")
        assert set(loaded.checkpoints) == {"net.pth (own)", "head.pth (own)"}
        assert "3 160 160 bilinear crop 0.95, mean 0.5 0.5 0.5" in loaded.detector.version

    def test_heads_of_one_and_two_outputs_agree_and_share_the_pass(self) -> None:
        base = f"timm:{self.NAME}+weights=net.pth+head="
        single, double = load_all([f"{base}head.pth", f"{base}two.pth#fake=1"], Weights())
        assert score(single) == pytest.approx(score(double), rel=1e-5)
        assert single.detector.encoder is double.detector.encoder  # type: ignore[attr-defined]
        with pytest.raises(BenchError, match="add 'fake=LABEL'"):
            one(f"{base}two.pth")

    def test_weights_of_the_hub_are_taken_from_its_cache_and_never_fetched(
        self, network: nn.Module, tmp_path: Path
    ) -> None:
        with pytest.raises(MissingWeights, match=rf"'hf download timm/{self.NAME} model\.safetensors', or"):
            one(f"timm:{self.NAME}+head=head.pth")
        file = in_hub_cache(tmp_path, f"timm/{self.NAME}") / "model.safetensors"
        save_file(network.state_dict(), file)
        cached = one(f"timm:{self.NAME}+head=head.pth")
        assert score(cached) == score(one(f"timm:{self.NAME}+weights=net.pth+head=head.pth"))
        assert f"timm/{self.NAME}/model.safetensors (unverified)" in cached.checkpoints

    def test_other_networks_and_other_heads_are_refused(self) -> None:
        with pytest.raises(WrongWeights, match="not the weights of test_vit"):
            one("timm:test_vit.r160_in1k+weights=net.pth+head=head.pth")
        torch.save({"weight": torch.zeros(1, 7)}, "narrow.pth")
        with pytest.raises(WrongWeights, match=r"no 'weight' \(1, 96\) or \(2, 96\): it seems"):
            one(f"timm:{self.NAME}+weights=net.pth+head=narrow.pth")

    @pytest.mark.slow
    def test_the_contract(self) -> None:
        assert kept(one(f"timm:{self.NAME}+weights=net.pth+head=head.pth"))


class TestHub:
    """A vision transformer of two thin layers, saved by transformers itself."""

    @pytest.fixture(autouse=True)
    def _there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.fixture
    def transformers(self) -> ModuleType:
        return pytest.importorskip("transformers", reason="the extra 'hf' is not installed")

    @pytest.fixture
    def network(self, transformers: ModuleType) -> nn.Module:
        labels = {0: "FAKE", 1: "REAL"}
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
        config = transformers.ViTConfig(**sizes, image_size=32, patch_size=8, id2label=labels)
        torch.manual_seed(0)
        network: nn.Module = transformers.ViTForImageClassification(config).eval()
        transformers.PreTrainedModel.save_pretrained(network, "tiny")
        size = {"height": 32, "width": 32}
        transformers.ViTImageProcessor(size=size).save_pretrained("tiny")
        return network

    def test_a_folder(self, network: nn.Module) -> None:
        loaded = one("hf:./tiny")
        pixels = np.asarray(PICTURE.resize((32, 32), 2), dtype=np.float32) / 127.5 - 1  # 2: bilinear
        logits = network(torch.from_numpy(pixels).permute(2, 0, 1)[None]).logits
        assert score(loaded) == pytest.approx(logits.softmax(1)[0, 0].item(), rel=1e-4)
        assert (loaded.name, loaded.weights) == ("hf:tiny", "own")
        files = ("config.json", "preprocessor_config.json", "model.safetensors")
        assert dict(loaded.checkpoints) == {
            f"tiny/{name} (own)": hashlib.sha256(Path("tiny", name).read_bytes()).hexdigest()
            for name in files
        }
        assert score(one("hf:./tiny#fake=REAL")) == pytest.approx(1 - score(loaded), rel=1e-5)

    def test_a_model_in_the_hubs_cache(self, network: nn.Module, tmp_path: Path) -> None:
        folder = in_hub_cache(tmp_path, "org/name")
        for file in Path("tiny").iterdir():
            file.rename(folder / file.name)
        loaded = one("hf:org/name")
        assert (loaded.name, loaded.weights) == ("hf:org--name", "unverified")
        assert "org/name/model.safetensors (unverified)" in loaded.checkpoints

    def test_weights_in_pieces_and_in_torchs_format(self, network: nn.Module) -> None:
        whole, file = score(one("hf:./tiny")), Path("tiny/model.safetensors")
        file.unlink()
        torch.save(network.state_dict(), "tiny/pytorch_model.bin")
        assert score(one("hf:./tiny")) == whole
        model: Any = network
        model.save_pretrained("tiny", max_shard_size="4KB")
        pieces = {f"{one.name} (own)" for one in Path("tiny").glob("model-*.safetensors")}
        loaded = one("hf:./tiny")
        assert score(loaded) == whole
        assert len(pieces) > 1
        assert pieces | {"model.safetensors.index.json (own)"} <= {
            name.removeprefix("tiny/") for name in loaded.checkpoints
        }

    def test_a_missing_weight_is_not_made_up(self, network: nn.Module) -> None:
        state: dict[str, torch.Tensor] = network.state_dict()
        save_file({key: value for key, value in state.items() if key != "classifier.bias"}, "w")
        Path("w").rename("tiny/model.safetensors")
        with pytest.raises(WrongWeights, match=r"key 'classifier\.bias' is missing"):
            one("hf:./tiny")
        save_file(state | {"classifier.scale": torch.ones(1)}, "tiny/model.safetensors")
        with pytest.raises(WrongWeights, match=r"key 'classifier\.scale' is unexpected"):
            one("hf:./tiny")

    def test_the_contract(self, network: nn.Module) -> None:
        assert kept(one("hf:./tiny"))

    def test_nothing_is_fetched(self, transformers: ModuleType) -> None:
        with pytest.raises(MissingWeights, match="Get it with 'hf download org/name'"):
            one("hf:org/name")
        with pytest.raises(MissingWeights, match=r"no folder with a config\.json"):
            one("hf:./nothing")

    def test_without_the_extra_the_way_out_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(BenchError, match=r"pip install 'forenbench\[hf\]'"):
            one("hf:org/name")
