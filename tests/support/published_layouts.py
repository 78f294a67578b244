"""Published benchmarks in miniature, as their archives and the code of papers lay them out; written by hand.

What stands here comes from the projects' READMEs, loaders and archives, and from nothing of ours. Braces
stand for several names, as in a shell; ``a.zip!b/c.png`` is a member of an archive.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

_BRACES = re.compile(r"\{([^{}]*)\}")
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

ORIGINS = "000000000139 000000000285"


@dataclass(frozen=True)
class Layout:
    """One way in which a benchmark lies on a disk, and what it is.

    Attributes:
        name: Of the dataset or suite.
        files: Paths below the data root, one a line.
        found: How many reals and fakes each test set has.
        classes: All classes.
        origins: All origins.
        tables: Parquet files, each with its columns.
    """

    name: str
    files: str
    found: Mapping[str, tuple[int, int]]
    classes: str = ""
    origins: str = ""
    tables: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)


def picture(suffix: str = ".png") -> bytes:
    """Return a smallest image of a file's suffix; of other suffixes, text."""
    if suffix.lower() not in _FORMATS:
        return b"no image"
    made = io.BytesIO()
    Image.new("RGB", (1, 1)).save(made, _FORMATS[suffix.lower()])
    return made.getvalue()


def expand(path: str) -> Iterator[str]:
    """Yield the paths that braces in one stand for."""
    if (found := _BRACES.search(path)) is None:
        yield path
        return
    for name in found[1].split(","):
        yield from expand(path[: found.start()] + name + path[found.end() :])


def write(layout: Layout, root: Path) -> None:
    """Write a benchmark's files below a data root."""
    contents = {suffix: picture(suffix) for suffix in _FORMATS}
    # nested braces yield what stands beside them several times
    for path in dict.fromkeys(
        one for line in layout.files.splitlines() for one in expand(line.strip()) if one
    ):
        data = contents.get(Path(path).suffix.lower(), b"no image")
        archive, inside, member = path.partition("!")
        (root / archive).parent.mkdir(parents=True, exist_ok=True)
        if inside:
            with zipfile.ZipFile(root / archive, "a") as opened:
                opened.writestr(member, data)
        else:
            (root / path).write_bytes(data)
    for path, columns in layout.tables.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(dict(columns)), root / path)


_DRCT = ["ldm-text2im-large-256", "stable-diffusion-v1-4", "sd-turbo"]
_BUSTER = ["dalle2", "midjourney-v5", "stable-diffusion-1-3"]
_PAIR = "{000000000139,000000000285}"
_IMAGE = {"bytes": picture(), "path": "1.png"}

LAYOUTS = {
    "GenImage as unpacked": Layout(
        "genimage",
        """
        GenImage/ADM/imagenet_ai_0508_adm/{train,val}/{ai/375_adm_64.PNG,nature/ILSVRC2012_val_00000012.JPEG}
        GenImage/BigGAN/imagenet_ai_0419_biggan/val/{ai/{1,2}.png,nature/n01440764_10026.JPEG}
        GenImage/stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/val/{ai/001_sdv4_00000.png,nature/{a,b}.JPEG}
        GenImage/VQDM/imagenet_ai_0419_vqdm/val/{ai/VQDM_1000_200_00_000.png,nature/a.JPEG}
        """,
        {"stable_diffusion_v_1_4": (2, 1), "ADM": (1, 1), "VQDM": (1, 1), "BigGAN": (1, 2)},
    ),
    "GenImage as its README draws it": Layout(
        "genimage",
        "GenImage/{Stable Diffusion V1.4,Wukong,GLIDE}/val/{ai/1.png,nature/1.JPEG}",
        {"stable_diffusion_v_1_4": (1, 1), "glide": (1, 1), "wukong": (1, 1)},
    ),
    "GenImage for SAFE": Layout(
        "genimage",
        "data/datasets/test4_GenImage/test/{ADM,Glide,wukong}/{0_real/1.jpg,1_fake/1.png}",
        {"ADM": (1, 1), "glide": (1, 1), "wukong": (1, 1)},
    ),
    "GenImage for NPR": Layout(
        "genimage",
        "GenImage/{ADM,biggan,glide,midjourney,sdv5,vqdm,wukong}/{0_real/{1,2}.jpg,1_fake/1.png}",
        {
            "Midjourney": (2, 1),
            "stable_diffusion_v_1_5": (2, 1),
            "ADM": (2, 1),
            "glide": (2, 1),
            "wukong": (2, 1),
            "VQDM": (2, 1),
            "BigGAN": (2, 1),
        },
    ),
    "AIGCDetectBenchmark, CO-SPY's archive": Layout(
        "aigcdetect",
        """
        AIGCDetectionBenchMark/test_set.zip!test/progan/{airplane,train}/{0_real,1_fake}/00001.png
        AIGCDetectionBenchMark/test_set.zip!test/{biggan,ADM,DALLE2,sd_xl}/{0_real,1_fake}/a.b.png
        """,
        {"progan": (2, 2), "biggan": (1, 1), "ADM": (1, 1), "DALLE2": (1, 1), "sd_xl": (1, 1)},
        classes="airplane train",
    ),
    "AIGCDetectBenchmark, the README's archive": Layout(
        "aigcdetect",
        "AIGCDetectionBenchmark/test.zip!test/{stylegan/{cat,car},wukong}/{0_real,1_fake}/1.png",
        {"stylegan": (2, 2), "wukong": (1, 1)},
        classes="car cat",
    ),
    "AIGCDetectBenchmark where its code unpacks it": Layout(
        "aigcdetect",
        """
        dataset/AIGCDetect_testset/test/{Glide,whichfaceisreal}/{0_real,1_fake}/1.png
        dataset/AIGCDetect_testset/test/crn/{0_real,1_fake}/1.png
        """,
        {"whichfaceisreal": (1, 1), "Glide": (1, 1)},
    ),
    "DRCT-2M beside COCO": Layout(
        "drct-2m",
        f"""
        DRCT-2M/images/{{{",".join(_DRCT)}}}/{{train2017/000000000009,val2017/{_PAIR}}}.png
        DRCT-2M/fake_rec_images/stable-diffusion-v1-4/{{train2017,val2017}}/000000000139.png
        val2017/{_PAIR}.jpg
        """,
        dict.fromkeys(_DRCT, (2, 2)),
        origins=ORIGINS,
    ),
    "DRCT-2M with MSCOCO in it": Layout(
        "drct-2m",
        f"""
        DRCT-2M/{{{",".join(_DRCT)}}}/{{train2017/000000000009,val2017/{_PAIR}}}.png
        DRCT-2M/MSCOCO/{{train2017/000000000009,val2017/{_PAIR}}}.jpg
        """,
        dict.fromkeys(_DRCT, (2, 2)),
        origins=ORIGINS,
    ),
    "Chameleon": Layout(
        "chameleon", "Chameleon/test/{0_real/{1b,2c}.jpg,1_fake/3d.jpg}", {"chameleon": (2, 1)}
    ),
    "Synthbuster and RAISE-1k as archives": Layout(
        "synthbuster",
        f"""
        synthbuster.zip!synthbuster/{{{",".join(_BUSTER)}}}/{{r05839451t,r000da54ft}}.png
        synthbuster.zip!synthbuster/prompts.csv
        real_RAISE_1k.zip!real_RAISE_1k/{{r05839451t.png,r000da54ft.png,README.txt,RAISE_License.pdf}}
        """,
        dict.fromkeys(_BUSTER, (2, 2)),
        origins="r000da54ft r05839451t",
    ),
    "Synthbuster as GRIP's script unpacks it": Layout(
        "synthbuster",
        f"""
        synthbuster/{{{",".join(_BUSTER)}}}/{{r05839451t,r000da54ft}}.png
        synthbuster/{{prompts.csv,README.txt}}
        synthbuster/real_RAISE_1k/{{r05839451t.png,r000da54ft.png,README.txt,RAISE_License.pdf}}
        """,
        dict.fromkeys(_BUSTER, (2, 2)),
        origins="r000da54ft r05839451t",
    ),
    "RAISE-1k alone": Layout(
        "raise-1k",
        "synthbuster/{real_RAISE_1k/{r05839451t.png,README.txt,RAISE_License.pdf},dalle2/r05839451t.png}",
        {"raise-1k": (1, 0)},
        origins="r05839451t",
    ),
    "B-Free's extension": Layout(
        "bfree-extension",
        """
        sd3_flux.zip!{flux,sd3_large}/{r05839451t.png,.ipynb_checkpoints/r05839451t-checkpoint.png}
        synthbuster/real_RAISE_1k/{r05839451t.png,README.txt}
        """,
        {"flux": (1, 1), "sd3_large": (1, 1)},
        origins="r05839451t",
    ),
    "WildRF": Layout(
        "wildrf",
        """
        WildRF/{train,val}/{0_real,1_fake}/1.jpg
        WildRF/test/{reddit,twitter,facebook}/{0_real/{1,2}.jpg,1_fake/1.jpg}
        """,
        {"reddit": (2, 1), "twitter": (2, 1), "facebook": (2, 1)},
    ),
    "SynthWildX as its script leaves it": Layout(
        "synthwildx",
        """
        synthwildx/{list.csv,download_synthwildx.py,README.md}
        synthwildx/{real/{a,b,c},dalle3/F1,firefly/F2,midjourney_v5/F3}.jpg
        """,
        {"dalle3": (3, 1), "firefly": (3, 1), "midjourney_v5": (3, 1)},
    ),
    "SynthWildX, sorted": Layout(
        "synthwildx",
        "synthwildx/{dalle3,firefly}/{0_real/a,1_fake/F1}.jpg",
        {"dalle3": (1, 1), "firefly": (1, 1)},
    ),
    "B-Free's viral images": Layout(
        "bfree-online",
        """
        viral_images_dataset/{BFree_viral_images.csv,download.ipynb,time_graph.ipynb,README.md,docs/viral.svg}
        viral_images_dataset/{REAL/Ed7JvuVXsAUTp-j/img0040{0,1,2},FAKE/FsL1ChiXwAAaVFk/img03517}.jpg
        """,
        {"bfree-online": (3, 1)},
        origins="Ed7JvuVXsAUTp-j FsL1ChiXwAAaVFk",
    ),
    "DDA-COCO": Layout(
        "dda-coco",
        """
        DDA-COCO.zip!DDA-COCO/{FLUX.1,sdxl-vae,sd-vae-ft-ema}/val2017/000000000139.jpg
        DDA-COCO.zip!DDA-COCO/sdxl-vae/val2017/000000000285.jpg
        val2017.zip!val2017/{000000000139,000000000285}.jpg
        """,
        {"sdxl-vae": (2, 2), "sd-vae-ft-ema": (2, 1), "FLUX.1": (2, 1)},
        origins=ORIGINS,
    ),
    "EvalGEN": Layout(
        "evalgen",
        "GenEval-JPEG/{Flux,NOVA,OmniGen}/a_photo_of_a_{bench,cow}_{0,1,2,10,19}.jpg",
        {"Flux": (0, 2), "NOVA": (0, 2), "OmniGen": (0, 2)},
        origins="a_photo_of_a_bench a_photo_of_a_cow",
    ),
    "Co-Spy-Bench on COCO": Layout(
        "cospy-mscoco",
        """
        Co-Spy-Bench/synthetic/{mscoco,cc3m}/{segmind@tiny-sd,runwayml@stable-diffusion-v1-5}/{1,2}.{png,json}
        val2017/{000000000139,000000000285}.jpg
        """,
        {"runwayml@stable-diffusion-v1-5": (2, 2), "segmind@tiny-sd": (2, 2)},
        origins=ORIGINS,
    ),
    "Co-Spy-Bench on CC3M": Layout(
        "cospy-cc3m",
        """
        Co-Spy-Bench/synthetic/{mscoco,cc3m}/segmind@tiny-sd/{1,2}.{png,json}
        Co-Spy-Bench/real_image_examples/{CC3M,SBU}/000000001.{jpg,json}
        """,
        {"segmind@tiny-sd": (1, 2)},
    ),
    "Community Forensics": Layout(
        "commfor-eval",
        "",
        {"DFGAN": (1, 2), "MidjourneyV6_1": (1, 1)},
        tables={
            "CommunityForensics-Eval/data/CompEval-00000-of-00413.parquet": {
                "image_name": [f"{at}.png" for at in range(5)],
                "format": ["PNG"] * 5,
                "image_data": [picture()] * 5,
                "model_name": ["DFGAN", "DFGAN", "DFGAN", "MidjourneyV6_1", "MidjourneyV6_1"],
                "real_source": ["", "", "COCO", "", "laion"],
                "split": ["CompEval"] * 5,
                "label": [1, 1, 0, 1, 0],
                "architecture": ["GAN", "GAN", "GAN", "Commercial", "Commercial"],
            }
        },
    ),
    "AI-GenBench": Layout(
        "ai-genbench",
        "",
        {"CycleGAN": (0, 1), "FLUX 1 Dev": (0, 2)},
        tables={
            "AI-GenBench-fake_part/data/validation-00000-of-00015.parquet": {
                "image": [_IMAGE] * 3,
                "label": [1, 1, 1],
                "generator": ["CycleGAN", "FLUX 1 Dev", "FLUX 1 Dev"],
                "file_id": ["a", "b", "c"],
                "origin_dataset": ["ForenSynths", "own", "own"],
            }
        },
    ),
    "OpenFake": Layout(
        "openfake",
        "",
        {"flux.1-dev": (2, 1), "gpt-image-1": (2, 1)},
        tables={
            "OpenFake/core/test-00000-of-00100.parquet": {
                "image": [_IMAGE] * 4,
                "prompt": ["a"] * 4,
                "label": ["real", "fake", "fake", "real"],
                "model": ["real", "flux.1-dev", "gpt-image-1", "real"],
                "type": ["real", "base", "base", "real"],
                "release_date": ["", "2024-08", "2025-03", ""],
            }
        },
    ),
    "SID-Set": Layout(
        "sid-set",
        "",
        {"sid-set": (2, 1)},
        tables={
            f"SID_Set/data/{split}-00000-of-00034.parquet": {
                "img_id": ["real_000001", "000002", "real_000001", "real_000003"],
                "image": [_IMAGE] * 4,
                "mask": [None, None, _IMAGE, None],
                "width": [1] * 4,
                "label": [0, 1, 2, 0],
            }
            for split in ("train", "validation")
        },
        origins="000002 real_000001 real_000003",
    ),
    "AIGIBench": Layout(
        "aigibench",
        """
        AIGIBench/test/{SDXL,InSwap,SocialRF,CommunityAI}/{0_real/{1,2},1_fake/1}.png
        AIGIBench/{train,val}/{car,sdv1.4}/{0_real,1_fake}/1.png
        """,
        {"InSwap": (2, 1), "SDXL": (2, 1), "SocialRF": (2, 1), "CommunityAI": (2, 1)},
    ),
    "AIGIBench's two": Layout(
        "aigibench-wild",
        "AIGIBench/test/{SDXL,SocialRF,CommunityAI}/{0_real/{1,2},1_fake/1}.png",
        {"SocialRF": (2, 1), "CommunityAI": (2, 1)},
    ),
    "TrueFake, Facebook": Layout(
        "truefake-facebook",
        """
        TrueFake/{PreSocial,Facebook,Telegram,Twitter}/Fake/{StyleGAN3/conf-f-psi-1,FLUX.1/animals}/0001.png
        TrueFake/{PreSocial,Facebook,Telegram,Twitter}/Real/{FFHQ/00000,FORLAB/D01}/0007.jpg
        """,
        {"StyleGAN3": (2, 1), "FLUX.1": (2, 1)},
        classes="animals conf-f-psi-1",
    ),
    "DiffusionForensics as published": Layout(
        "diffusionforensics",
        """
        DiffusionForensics/{images,recons,dire}/{train,val,test}/lsun_bedroom/{real/{1,2},adm/1,sdv2/1}.png
        DiffusionForensics/{images,recons,dire}/{train,val,test}/{imagenet,celebahq}/{real,adm}/1.png
        """,
        {"adm": (2, 1), "sdv2": (2, 1)},
    ),
    "DiffusionForensics on ImageNet": Layout(
        "diffusionforensics-imagenet",
        """
        DiffusionForensics/{images,recons,dire}/{train,val,test}/lsun_bedroom/{real/{1,2},adm/1,sdv2/1}.png
        DiffusionForensics/{images,recons,dire}/{train,val,test}/imagenet/{real/{1,2,3},adm/n01/1}.png
        """,
        {"adm": (3, 1)},
    ),
    "DiffusionForensics for NPR": Layout(
        "diffusionforensics",
        "dataset/DiffusionForensics/{adm,sdv1_new,vqdiffusion}/{0_real/{1,2},1_fake/1}.png",
        {"adm": (2, 1), "sdv1_new": (2, 1), "vqdiffusion": (2, 1)},
    ),
    "GANGen-Detection": Layout(
        "gangen",
        "GANGen-Detection/{AttGAN,STGAN}/{0_real/{1,2},1_fake/1}.png",
        {"AttGAN": (2, 1), "STGAN": (2, 1)},
    ),
    "GANGen-Detection for SAFE": Layout(
        "gangen",
        "data/datasets/test2_Self-Synthesis/test/{AttGAN,STGAN}/{0_real/{1,2},1_fake/1}.png",
        {"AttGAN": (2, 1), "STGAN": (2, 1)},
    ),
    "COCO val2017": Layout(
        "coco-val2017", f"coco/val2017/{_PAIR}.jpg", {"coco-val2017": (2, 0)}, origins=ORIGINS
    ),
}
