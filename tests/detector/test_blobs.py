from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.blobs import person_blobs


def unknown(_: float) -> None:
    return None


def tall(_: float) -> float:
    return 50.0


def people(*boxes: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    """A 200 x 100 mask with a body for every xyxy box: a head on shoulders."""
    mask = np.zeros((100, 200), dtype=bool)
    for x1, y1, x2, y2 in boxes:
        neck, quarter = y1 + (y2 - y1) // 5, (x2 - x1) // 3
        mask[neck:y2, x1:x2] = True
        mask[y1:neck, x1 + quarter : x2 - quarter] = True
    return mask


def test_nothing_is_nobody() -> None:
    assert person_blobs(people(), unknown) == []


def test_one_body_is_one_blob() -> None:
    (blob,) = person_blobs(people((20, 30, 38, 80)), unknown)

    assert blob.box == (20, 30, 38, 80)
    assert (blob.width, blob.height) == (18, 50)
    assert 0.7 < blob.fill < 1.0


def test_single_pixels_are_noise() -> None:
    mask = people()
    mask[::7, ::7] = True

    assert person_blobs(mask, unknown) == []


def test_two_people_who_touch_are_cut_between_their_heads() -> None:
    blobs = person_blobs(people((20, 30, 38, 80), (38, 32, 56, 82)), tall)

    boxes = sorted(blob.box for blob in blobs)
    np.testing.assert_allclose(boxes, [(20, 30, 38, 80), (38, 32, 56, 82)], atol=2)


def test_pieces_of_one_body_are_joined() -> None:
    mask = people((20, 30, 38, 80))
    mask[50:60] = False  # a belt of the colour of the wall

    (blob,) = person_blobs(mask, tall)

    assert blob.box == (20, 30, 38, 80)


def test_a_person_behind_another_is_not_joined_to_them() -> None:
    mask = people((20, 2, 30, 30), (20, 45, 38, 95))

    assert len(person_blobs(mask, tall)) == 2


def test_a_wide_thing_without_heads_stays_whole() -> None:
    mask = people()
    mask[50:90, 20:120] = True

    assert len(person_blobs(mask, tall)) == 1
