"""Which points of a store belong to which part of a signer, and which lines join them.

Points are named PART.NAME: `body.left_wrist`, `left_hand.index_tip`, `face.13`. Joints and lines
are those of MediaPipe Holistic (of its face mesh: lips, eyes, brows, outline); the neck is that of
OpenPose skeletons. They stand here so that drawing needs no MediaPipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

PARTS = ("body", "left_hand", "right_hand", "face")
HANDS = PARTS[1:3]

_FINGERS = ("index", "middle", "ring", "pinky")
_HAND = (
    ("wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"),
    *((f"{f}_mcp", f"{f}_pip", f"{f}_dip", f"{f}_tip") for f in _FINGERS),
    ("wrist", *(f"{f}_mcp" for f in _FINGERS), "wrist"),
)
_BODY = (
    ("left_wrist", "left_elbow", "left_shoulder", "right_shoulder", "right_elbow", "right_wrist"),
    ("left_shoulder", "left_hip", "right_hip", "right_shoulder"),
    ("nose", "neck", "left_shoulder"), ("neck", "right_shoulder"),
)  # fmt: skip
_HEAD = (("left_ear", "left_eye", "nose", "right_eye", "right_ear"), ("mouth_left", "mouth_right"))
_FACE = (
    (0, 37, 39, 40, 185, 61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0),
    (13, 82, 81, 80, 191, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13),
    (249, 263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    (7, 33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (276, 283, 282, 295, 285), (300, 293, 334, 296, 336),
    (46, 53, 52, 65, 55), (70, 63, 105, 66, 107),
    (10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377,
     400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389, 251, 284, 332, 297, 338, 10),
)  # fmt: skip
_CHAINS = {"body": _BODY, "left_hand": _HAND, "right_hand": _HAND,
           "face": tuple(tuple(map(str, chain)) for chain in _FACE)}  # fmt: skip


class Line(NamedTuple):
    """A line between two points, by their numbers."""

    part: str
    start: int
    end: int


def parts(points: Sequence[str]) -> dict[str, list[int]]:
    """Part -> numbers of its points, in the order in which the parts come."""
    found: dict[str, list[int]] = {}
    for i, name in enumerate(points):
        found.setdefault(name.partition(".")[0], []).append(i)
    return found


def lines(points: Sequence[str]) -> list[Line]:
    """The lines between those of the points that are there.

    The body's few points of the head are joined where there is no face, and its wrists with the
    hands'. Its own stubs of hands, and its legs, have no lines.
    """
    number = {name: i for i, name in enumerate(points)}
    joined = [(part, f"{part}.{a}", f"{part}.{b}") for part, chains in _CHAINS.items()
              for chain in chains for a, b in pairwise(chain)]  # fmt: skip
    if "face.0" not in number:
        joined += [("body", f"body.{a}", f"body.{b}") for c in _HEAD for a, b in pairwise(c)]
    joined += [(hand, f"body.{hand[:-5]}_wrist", f"{hand}.wrist") for hand in HANDS]
    return [Line(part, number[a], number[b]) for part, a, b in joined
            if a in number and b in number]  # fmt: skip


def dots(points: Sequence[str]) -> list[int]:
    """Numbers of the points to be drawn as dots: joints of body and hands, and unknown parts."""
    touched = {i for line in lines(points) for i in (line.start, line.end)}
    return [i for part, numbers in parts(points).items() for i in numbers
            if part not in PARTS or (i in touched and part != "face")]  # fmt: skip
