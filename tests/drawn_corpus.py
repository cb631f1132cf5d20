"""A small corpus with pictures: clips drawn as little videos and folders, and a small backbone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

SIZE = (48, 56)  # width, height
SENTENCES = {  # gloss -> sentence, question
    "REGEN NORD": ("im norden regnet es", "wie wird das wetter im norden"),
    "SONNE SUED": ("im süden scheint die sonne", "wie wird das wetter im süden"),
    "SCHNEE BERG": ("in den bergen schneit es", "was fällt in den bergen"),
    "WIND STARK KUESTE": ("an der küste weht starker wind", "was weht an der küste"),
}
COPIES = {"train": 3, "dev": 1, "test": 1}  # clips of each sentence, by other signers


def draw_corpus(root: Path) -> Path:
    """Clips below `root` and their table, clips.csv: folders of PNG files, and videos in test."""
    import cv2

    from qa_builder.corpora.toy_figure import draw
    from qa_builder.features.simulated_signs import Glosses

    glosses = Glosses(0)
    rows = []
    for split, copies in COPIES.items():
        for i, (gloss, (text, question)) in enumerate(SENTENCES.items()):
            for copy in range(copies):
                clip_id, signer = f"{split}-{i}-{copy}", f"S{copy}"
                track = glosses.track(clip_id, gloss, 14 + 3 * i + copy, signer)
                pictures = list(draw(track, signer, SIZE))
                frames = f"{split}/{clip_id}" + (".mp4" if split == "test" else "")
                if split == "test":
                    write_video(root / frames, pictures)
                else:
                    (root / frames).mkdir(parents=True)
                    for n, picture in enumerate(pictures, 1):
                        cv2.imwrite(str(root / frames / f"{n:04d}.png"), picture)
                rows.append((clip_id, split, signer, gloss, text, question, frames, len(pictures)))
    with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ("clip_id", "split", "signer", "gloss", "text", "question", "frames", "n_frames")
        writer.writerows([names, *rows])
    return root


def write_video(path: Path, pictures: list) -> None:  # type: ignore[type-arg]
    """An MP4 file of pictures, blue, green, red."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def build_drawn(root: Path, out: Path) -> Path:
    """The dataset of a drawn corpus, by the command."""
    from click.testing import CliRunner

    from qa_builder.cli import main

    done = CliRunner().invoke(main, [
        "build", "table", "--table", str(root / "clips.csv"), "--language", "de",
        "--questions", "column", "--out", str(out), "--allow-findings",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


def save_resnet(folder: Path, seed: int = 0) -> Path:
    """A small ResNet with random weights and batch norms that do something, as the Hub has them."""
    import torch
    from transformers import AutoModel, ResNetConfig

    torch.manual_seed(seed)
    model = AutoModel.from_config(ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], layer_type="basic"
    ))  # fmt: skip
    with torch.no_grad():
        for name, values in model.named_buffers():
            if name.endswith("running_mean"):
                values.normal_(0, 0.1)
    model.save_pretrained(folder)
    prepared = {"image_processor_type": "ConvNextImageProcessor", "do_resize": True,
                "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "resample": 3,
                "size": {"shortest_edge": 32}, "crop_pct": 0.875,
                "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.25]}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared), "utf-8")
    return folder
