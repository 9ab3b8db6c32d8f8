from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from reid.preprocess import IMAGENET, normalise
from training.augment import Changes, augment, draw, no_changes, seeded_generator
from training.recipe import AugmentationRecipe, ColourRecipe

SIZE = (32, 16)
NOTHING = AugmentationRecipe(flip=0, crop=0, erasing=0)


def images(num: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (num, *SIZE, 3), np.uint8))


def pixels(result: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) BGR in [0, 255] from network inputs."""
    mean, std = torch.tensor(IMAGENET.mean), torch.tensor(IMAGENET.std)
    return ((result * std.view(3, 1, 1) + mean.view(3, 1, 1)) * 255).flip(1)


def originals(batch: torch.Tensor) -> torch.Tensor:
    return batch.permute(0, 3, 1, 2).float()


def test_no_changes_give_what_embedding_gives() -> None:
    batch = images()

    result = augment(batch, no_changes(3))

    assert torch.allclose(result, torch.from_numpy(normalise(batch.numpy())), atol=2e-5)
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_mirroring_turns_columns_around() -> None:
    batch = images()

    result = augment(batch, replace(no_changes(3), is_mirrored=torch.tensor([True, False, True])))

    found, expected = pixels(result), originals(batch)
    assert torch.allclose(found[0], expected[0].flip(2), atol=1e-2)
    assert torch.allclose(found[1], expected[1], atol=1e-2)


@pytest.mark.parametrize("top", [0, 2, 4])
@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_crop_is_one_of_the_enlarged_image(top: int, left: int) -> None:
    batch = images()
    changes = replace(
        no_changes(3), scale=torch.full((3,), 1.125), offset=torch.tensor([[top, left]] * 3).float()
    )

    result = pixels(augment(batch, changes))

    large = functional.interpolate(originals(batch), (36, 18), mode="bilinear")
    assert torch.allclose(result, large[:, :, top : top + 32, left : left + 16], atol=1e-2)


def test_what_moves_in_is_black() -> None:
    batch = images()

    result = pixels(augment(batch, replace(no_changes(3), offset=torch.tensor([[-3.0, 2.0]] * 3))))

    assert result[:, :, :3].abs().max() < 1e-2
    assert result[:, :, :, -2:].abs().max() < 1e-2
    assert torch.allclose(result[:, :, 3:, :-2], originals(batch)[:, :, :-3, 2:], atol=1e-2)


def test_an_erased_rectangle_is_zero_after_normalisation() -> None:
    batch = images()
    erased = torch.tensor([[4.0, 2.0, 10.0, 7.0], [0, 0, 0, 0], [0, 0, 32, 16]])

    result = augment(batch, replace(no_changes(3), erased=erased))

    assert (result[0, :, 4:10, 2:7] == 0).all()
    assert (result[0] == 0).sum() == 3 * 6 * 5
    assert (result[1] != 0).all()
    assert (result[2] == 0).all()


def test_colour_factors_act_on_brightness_contrast_and_saturation() -> None:
    batch = torch.tensor([40, 80, 120], dtype=torch.uint8).expand(3, *SIZE, 3).clone()
    batch[:, :16] //= 2
    factors = torch.tensor([[0.5, 1, 1], [1, 0, 1], [1, 1, 0]])

    result = pixels(augment(batch, replace(no_changes(3), colour=factors)))

    luma = (0.114 * 40 + 0.587 * 80 + 0.299 * 120) * torch.tensor([0.5, 1])
    assert torch.allclose(result[0], originals(batch)[0] / 2, atol=1e-2)
    assert torch.allclose(result[1], luma.mean().expand(3, *SIZE), atol=1e-2)
    assert torch.allclose(result[2, :, 0, 0], luma[0].expand(3), atol=1e-2)
    assert torch.allclose(result[2, :, -1, 0], luma[1].expand(3), atol=1e-2)


def drawn(recipe: AugmentationRecipe, num: int = 4000, seed: int = 0) -> Changes:
    return draw(recipe, num, SIZE, seeded_generator(seed, 0, 0))


def test_nothing_is_drawn_where_all_is_off() -> None:
    changes = drawn(NOTHING)

    for found, expected in zip(_tensors(changes), _tensors(no_changes(4000)), strict=True):
        assert torch.equal(found, expected)


def test_draws_have_the_probabilities_and_ranges_of_the_recipe() -> None:
    changes = drawn(AugmentationRecipe())

    is_enlarged = changes.scale == 1.125
    assert is_enlarged.float().mean() == pytest.approx(0.5, abs=0.03)
    assert changes.is_mirrored.float().mean() == pytest.approx(0.5, abs=0.03)
    assert (changes.offset[~is_enlarged] == 0).all()
    assert set(changes.offset[is_enlarged][:, 0].tolist()) == {0, 1, 2, 3, 4}
    assert set(changes.offset[is_enlarged][:, 1].tolist()) == {0, 1, 2}


def test_erased_rectangles_are_within_the_image_and_of_the_recipe_s_shape() -> None:
    top, left, bottom, right = drawn(AugmentationRecipe()).erased.unbind(1)

    rows, columns = bottom - top, right - left
    is_erased = rows > 0
    assert is_erased.float().mean() == pytest.approx(0.5, abs=0.03)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (bottom <= 32).all()
    assert (right <= 16).all()
    area = (rows * columns)[is_erased] / (32 * 16)
    aspect = (rows / columns)[is_erased]
    assert 0.01 < area.min() < 0.05
    assert 0.35 < area.max() < 0.45
    assert 0.2 < aspect.min() < 0.6
    assert 2.5 < aspect.max() < 4.1  # rounded to pixels


def test_colours_and_moves_are_drawn_where_they_are_on() -> None:
    recipe = NOTHING.model_copy(
        update={"colour": ColourRecipe(probability=1, brightness=0.4), "padding_px": 3}
    )

    changes = drawn(recipe)

    assert set(changes.offset.ravel().tolist()) == {-3, -2, -1, 0, 1, 2, 3}
    assert changes.colour[:, 0].min() == pytest.approx(0.6, abs=0.01)
    assert changes.colour[:, 0].max() == pytest.approx(1.4, abs=0.01)


def test_the_same_iteration_repeats_and_others_differ() -> None:
    first = drawn(AugmentationRecipe(), num=16)

    assert torch.equal(first.offset, drawn(AugmentationRecipe(), num=16).offset)
    seeds = {
        seeded_generator(seed, iteration, rank).initial_seed()
        for seed in range(5)
        for iteration in range(50)
        for rank in range(4)
    }
    assert len(seeds) == 1000


def test_no_images_are_fine() -> None:
    changes = drawn(AugmentationRecipe(), num=0)

    assert augment(images(0), changes).shape == (0, 3, *SIZE)


def _tensors(changes: Changes) -> list[torch.Tensor]:
    return [changes.scale, changes.offset, changes.is_mirrored, changes.erased, changes.colour]
