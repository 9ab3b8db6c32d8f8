"""Augmentation of a whole batch where it lies, on CPU or GPU, from uint8 to network input.

What happens is drawn first, on the CPU from a generator (`draw`), and then done to all images at
once (`augment`), so that a run repeats on any device. Crops of an enlarged image and mirroring are
one bilinear look-up: enlarging by s and cutting out at offset o takes pixel x from
(x + o + 1/2) / s - 1/2.

Letters: N images, H W their size. Random erasing: Zhong, Zheng, Kang, Li, Yang, "Random Erasing
Data Augmentation", AAAI 2020, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from reid.preprocess import IMAGENET
from training.recipe import AugmentationRecipe

_ERASING_TRIES = 100
"""As published: a rectangle that does not fit into the image is drawn again so often."""

_LUMA_BGR = (0.114, 0.587, 0.299)
"""Weights of blue, green and red in grey (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is done to each of N images.

    Attributes:
        scale: (N,) float32 enlargement, 1 or above.
        offset: (N, 2) float32 (y, x) of the cut in the enlarged image, pixels; may be negative or
            too large where images are moved: what is outside is black.
        is_mirrored: (N,) bool.
        erased: (N, 4) float32 (top, left, bottom, right) of a rectangle, pixels; empty: none.
        colour: (N, 3) float32 factors of brightness, contrast and saturation.
    """

    scale: Tensor
    offset: Tensor
    is_mirrored: Tensor
    erased: Tensor
    colour: Tensor

    def to(self, device: torch.device) -> Changes:
        """The same on a device."""
        moved = (getattr(self, field.name).to(device, non_blocking=True) for field in fields(self))
        return Changes(*moved)


def no_changes(num: int) -> Changes:
    """Images as they are."""
    return Changes(
        scale=torch.ones(num),
        offset=torch.zeros(num, 2),
        is_mirrored=torch.zeros(num, dtype=torch.bool),
        erased=torch.zeros(num, 4),
        colour=torch.ones(num, 3),
    )


def draw(
    recipe: AugmentationRecipe, num: int, size: tuple[int, int], generator: torch.Generator
) -> Changes:
    """What to do to `num` images of (H, W), by a generator of the CPU."""
    is_enlarged = torch.rand(num, generator=generator) < recipe.crop
    scale = torch.where(is_enlarged, recipe.crop_scale, 1.0)
    rooms = torch.tensor([int(side * recipe.crop_scale) - side for side in size])
    cuts = torch.floor(torch.rand(num, 2, generator=generator) * (rooms + 1))
    span = 2 * recipe.padding_px + 1
    moves = torch.floor(torch.rand(num, 2, generator=generator) * span) - recipe.padding_px
    return Changes(
        scale=scale,
        offset=torch.where(is_enlarged[:, None], cuts, 0.0) + moves,
        is_mirrored=torch.rand(num, generator=generator) < recipe.flip,
        erased=_draw_rectangles(recipe, num, size, generator),
        colour=_draw_colours(recipe, num, generator),
    )


def augment(images: Tensor, changes: Changes) -> Tensor:
    """Network inputs: (N, 3, H, W) float32 RGB, normalised, of channels-last memory.

    Args:
        images: (N, H, W, 3) uint8 BGR.
        changes: For each image, on the CPU.
    """
    is_coloured = bool((changes.colour != 1).any())  # asked where they were drawn: no waiting
    changes = changes.to(images.device)
    pixels = images.permute(0, 3, 1, 2).float()
    if is_coloured:
        pixels = _coloured(pixels, changes.colour)
    pixels = _normalised(_moved(pixels, changes))
    return pixels.masked_fill_(_inside(changes.erased, images.shape[1:3]), 0.0)


def _draw_rectangles(
    recipe: AugmentationRecipe, num: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """(N, 4): the first of many tries that fits, where there is to be one at all."""
    height, width = size
    tries = torch.rand(num, _ERASING_TRIES, 4, generator=generator)
    least, most = recipe.erasing_area
    area = (least + (most - least) * tries[..., 0]) * (height * width)
    low, high = recipe.erasing_aspect
    aspect = low + (high - low) * tries[..., 1]
    rows = (area * aspect).sqrt().round()
    columns = (area / aspect).sqrt().round()
    fits = (rows < height) & (columns < width)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)  # the first one that fits
    rows, columns = rows.gather(1, first)[:, 0], columns.gather(1, first)[:, 0]
    place = tries[..., 2:].gather(1, first[..., None].expand(-1, -1, 2))[:, 0]
    top = torch.floor(place[:, 0] * (height - rows + 1))
    left = torch.floor(place[:, 1] * (width - columns + 1))
    wanted = (torch.rand(num, generator=generator) < recipe.erasing) & fits.any(1)
    rectangles = torch.stack([top, left, top + rows, left + columns], 1)
    return torch.where(wanted[:, None], rectangles, 0.0)


def _draw_colours(recipe: AugmentationRecipe, num: int, generator: torch.Generator) -> Tensor:
    colour = recipe.colour
    ranges = torch.tensor([colour.brightness, colour.contrast, colour.saturation])
    factors = 1 + ranges * (2 * torch.rand(num, 3, generator=generator) - 1)
    wanted = torch.rand(num, 1, generator=generator) < colour.probability
    return torch.where(wanted, factors, 1.0)


def _coloured(pixels: Tensor, factors: Tensor) -> Tensor:
    """Brightness, then contrast about the mean grey, then saturation about each pixel's grey."""
    brightness, contrast, saturation = factors.view(-1, 3, 1, 1, 1).unbind(1)
    luma = pixels.new_tensor(_LUMA_BGR).view(1, 3, 1, 1)
    pixels = (pixels * brightness).clamp_(0, 255)
    middle = (pixels * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    pixels = torch.lerp(middle, pixels, contrast).clamp_(0, 255)
    grey = (pixels * luma).sum(1, keepdim=True)
    return torch.lerp(grey, pixels, saturation).clamp_(0, 255)


def _moved(pixels: Tensor, changes: Changes) -> Tensor:
    """Enlarged, cut and mirrored; black where nothing was."""
    height, width = pixels.shape[2:]
    ys = _sources(changes.scale, changes.offset[:, 0], height)
    xs = _sources(changes.scale, changes.offset[:, 1], width)
    xs = torch.where(changes.is_mirrored[:, None], xs.flip(1), xs)
    grid = torch.stack(  # (N, H, W, 2), from -1 to 1 between the outer edges
        [
            ((2 * xs + 1) / width - 1)[:, None, :].expand(-1, height, -1),
            ((2 * ys + 1) / height - 1)[:, :, None].expand(-1, -1, width),
        ],
        -1,
    )
    moved = functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    is_outside = (~_within(ys, height))[:, None, :, None] | (~_within(xs, width))[:, None, None]
    return moved.masked_fill_(is_outside, 0.0)


def _sources(scale: Tensor, offset: Tensor, side: int) -> Tensor:
    """(N, side) where along an axis each pixel of the result comes from."""
    places = torch.arange(side, device=scale.device, dtype=scale.dtype)
    return (places + offset[:, None] + 0.5) / scale[:, None] - 0.5


def _within(places: Tensor, side: int) -> Tensor:
    return (places >= -0.5) & (places <= side - 0.5)


def _inside(rectangles: Tensor, size: torch.Size) -> Tensor:
    """(N, 1, H, W) bool."""
    top, left, bottom, right = rectangles[:, :, None].unbind(1)  # (N, 1) each
    rows = torch.arange(size[0], device=rectangles.device)
    columns = torch.arange(size[1], device=rectangles.device)
    in_rows = (rows >= top) & (rows < bottom)
    in_columns = (columns >= left) & (columns < right)
    return (in_rows[:, :, None] & in_columns[:, None, :]).unsqueeze(1)


def _normalised(pixels: Tensor) -> Tensor:
    """RGB, minus mean, over std (see `reid.preprocess.normalise`), from BGR in [0, 255]."""
    mean = pixels.new_tensor(IMAGENET.mean).view(3, 1, 1)
    std = pixels.new_tensor(IMAGENET.std).view(3, 1, 1)
    rgb = pixels.flip(1).contiguous(memory_format=torch.channels_last)
    return rgb.mul_(1 / (255 * std)).sub_(mean / std)


def seeded_generator(seed: int, iteration: int, rank: int) -> torch.Generator:
    """A generator of the CPU for one iteration of one process: nothing to remember or restore."""
    mixed = 0
    for number in (seed, iteration, rank):  # splitmix64 steps: near numbers give far seeds
        mixed = (mixed + number + 0x9E3779B97F4A7C15) % 2**64
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        mixed ^= mixed >> 31
    return torch.Generator().manual_seed(mixed % 2**63)
