"""Draw a stick figure that makes signs, for the toy corpora. No person, no real sign. (Ours.)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from qa_builder.features.simulated_signs import SILENCE, STATES, Track, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

Size = tuple[int, int]  # width, height
_SEED = 0
# Points of a figure that is 1 wide and 1.24 high, x to the right, y down.
_HEAD, _NECK, _SHOULDERS = (0.5, 0.3), (0.5, 0.42), ((0.3, 0.48), (0.7, 0.48))
_REST = ((0.36, 1.1), (0.64, 1.1))  # the hands of a signer at rest
_ARM = 0.36  # length of the upper arm and of the lower arm
_SKIN, _INK, _PAPER = (150, 190, 235), (60, 60, 60), (225, 225, 225)  # blue, green, red
_PASSES = 3  # of smoothing over the frames


def draw(track: Track, signer: str | None, size: Size) -> Iterator[NDArray[np.uint8]]:
    """The frames of a clip: pictures [height, width, 3], blue, green, red. Needs OpenCV."""
    runs = np.array([_place(sign)[p] for sign, p in zip(track.signs, track.positions, strict=True)])
    hands = np.repeat(runs, track.lengths, axis=0)
    for _ in range(_PASSES):
        padded = np.concatenate([hands[:1], hands, hands[-1:]])
        hands = (padded[:-2] + 2 * hands + padded[2:]) / 4
    shirt = generator(_SEED, "shirt", signer or "").integers(40, 200, 3).tolist()
    for at, mouth, hand in zip(hands, track.mouth.tolist(), track.hand.tolist(), strict=True):
        yield _frame(at, mouth, hand, shirt, size)


def _place(sign: str) -> NDArray[np.float64]:
    """Where the left and right hand are in each state of a sign: [STATES, 2, (x, y)]."""
    if sign == SILENCE:
        return np.array([_REST] * STATES)
    rng = generator(_SEED, "place", sign)
    places = np.stack([rng.uniform((0.15, 0.35), (0.55, 0.95), (STATES, 2)),
                       rng.uniform((0.45, 0.35), (0.85, 0.95), (STATES, 2))], axis=1)  # fmt: skip
    if rng.random() < 0.4:  # of one hand
        places[:, 0] = _REST[0]
    return places


def _frame(
    hands: NDArray[np.float64], mouth: int, hand: int, shirt: list[int], size: Size
) -> NDArray[np.uint8]:
    import cv2

    width, height = size
    image = np.full((height, width, 3), _PAPER, np.uint8)
    pen = _Pen(image, min(width, height / 1.24))
    pen.line((0.5, 0.58), (0.5, 1.24), shirt, 0.3)
    pen.line(*_SHOULDERS, shirt, 0.1)
    pen.line(_HEAD, _NECK, _SKIN, 0.09)
    pen.circle(_HEAD, 0.12, _SKIN)
    for x in (0.455, 0.545):
        pen.circle((x, 0.27), 0.014, _INK)
    axes = (pen.px(0.02 + 0.005 * (mouth % 5)), pen.px(0.006 + 0.004 * (mouth % 8)))
    cv2.ellipse(image, pen.at((0.5, 0.36)), axes, 0, 0, 360, (60, 60, 180), -1, cv2.LINE_AA)
    for i, (shoulder, (x, y)) in enumerate(zip(_SHOULDERS, hands.tolist(), strict=True)):
        elbow = _elbow(shoulder, (x, y), -1 if i == 0 else 1)
        pen.line(shoulder, elbow, shirt, 0.07)
        pen.line(elbow, (x, y), _SKIN, 0.05)
        pen.circle((x, y), 0.04, _SKIN)
        for finger in range(5):
            angle = np.pi * (1.1 + 0.2 * finger) + 0.1 * i
            reach = 0.1 if hand >> finger & 1 else 0.05
            tip = (x + reach * np.cos(angle), y + reach * np.sin(angle))
            pen.line((x, y), tip, _SKIN, 0.018)
    where, size_ = (pen.px(0.03), height - pen.px(0.03)), pen.px(1) / 500
    cv2.putText(image, "simulated", where, cv2.FONT_HERSHEY_SIMPLEX, size_, _INK, 1, cv2.LINE_AA)
    return image


def _elbow(
    shoulder: tuple[float, float], hand: tuple[float, float], side: int
) -> tuple[float, float]:
    """Of the two places where the elbow can be: not raised, and outside if there is a choice."""
    dx, dy = hand[0] - shoulder[0], hand[1] - shoulder[1]
    length = max(float(np.hypot(dx, dy)), 1e-6)
    out = np.sqrt(max(_ARM**2 - length**2 / 4, 0.0)) / length
    places = [(shoulder[0] + dx / 2 - s * dy * out, shoulder[1] + dy / 2 + s * dx * out)
              for s in (-1, 1)]  # fmt: skip
    return max(places, key=lambda at: (at[1] > shoulder[1] - 0.05, side * at[0], at[1]))


class _Pen:
    """Draws in units of the figure's width, which is centred in the picture."""

    def __init__(self, image: NDArray[np.uint8], unit: float) -> None:
        self._image: Any = image
        self._unit, self._left = unit, (image.shape[1] - unit) / 2

    def px(self, length: float) -> int:
        return max(1, round(length * self._unit))

    def at(self, point: tuple[float, float]) -> tuple[int, int]:
        return round(self._left + point[0] * self._unit), round(point[1] * self._unit)

    def line(self, a: tuple[float, float], b: tuple[float, float], colour: Any, w: float) -> None:
        import cv2

        cv2.line(self._image, self.at(a), self.at(b), colour, self.px(w), cv2.LINE_AA)

    def circle(self, centre: tuple[float, float], radius: float, colour: Any) -> None:
        import cv2

        cv2.circle(self._image, self.at(centre), self.px(radius), colour, -1, cv2.LINE_AA)
