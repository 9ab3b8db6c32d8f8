"""What of a data set is there, against what should be, and the refusal of what is not whole.

Figures on part of a data set look like figures on all of it. So a data set with anything missing is
refused unless that is asked for, and then it carries a note that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.errors import DataError
from training.samples import ReidData, Samples

_SHOWN = 6
"""Parts and problems that an error lists; `crosscam data check` prints all."""


@dataclass(frozen=True, slots=True)
class PartCount:
    """Images and people of one part of a data set.

    Attributes:
        part: For people, such as "pair 1 query".
        num_images: Images found.
        num_persons: People found.
        expected_images: How many there should be; None where nothing says.
        expected_persons: How many people there should be; None where nothing says.
    """

    part: str
    num_images: int
    num_persons: int
    expected_images: int | None = None
    expected_persons: int | None = None

    @property
    def is_whole(self) -> bool:
        """Nothing is missing and nothing is too much."""
        return self.expected_images in (None, self.num_images) and self.expected_persons in (
            None,
            self.num_persons,
        )

    def __str__(self) -> str:
        """The part in a line.

        Example:
            >>> print(PartCount("query", 2, 1, expected_images=3))
            query: 2 of 3 images, 1 people
        """
        images = _of(self.num_images, self.expected_images)
        return (
            f"{self.part}: {images} images, {_of(self.num_persons, self.expected_persons)} people"
        )


@dataclass(frozen=True, slots=True)
class Integrity:
    """How whole a data set is.

    Attributes:
        name: The data set's name and place.
        parts: Its parts.
        problems: What counts do not tell, a sentence each.
    """

    name: str
    parts: tuple[PartCount, ...]
    problems: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Every part is whole and there is no problem."""
        return not self.problems and all(part.is_whole for part in self.parts)

    def shortfall(self) -> str:
        """What is not as it should be, in one line; empty if all is well."""
        wrong = [*self.problems, *(str(part) for part in self.parts if not part.is_whole)]
        return listed(wrong, _SHOWN)


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader gives: the images that are there, and how whole that is."""

    data: ReidData
    integrity: Integrity


def accepted(found: Found, *, allow_partial: bool) -> ReidData:
    """The data, if it is whole or may be partial; partial data carries a note.

    Raises:
        DataError: Something is missing or too much, and `allow_partial` is not set.
    """
    integrity = found.integrity
    if integrity.is_whole:
        return found.data
    if not allow_partial:
        raise DataError(
            f"{integrity.name} is not whole: {integrity.shortfall()}. Complete it, or go on with "
            "what is there by --allow-partial (figures then do not compare with published ones)"
        )
    note = f"partial data, figures do not compare with published ones: {integrity.shortfall()}"
    return replace(found.data, notes=(*found.data.notes, note))


def counted(part: str, samples: Samples) -> PartCount:
    """The count of samples where nothing says how many there should be."""
    return PartCount(part, len(samples), samples.num_persons)


def present(samples: Samples) -> Samples:
    """Those samples whose file exists, in order."""
    return samples.take([row for row, path in enumerate(samples.paths) if path.is_file()])


def compared(part: str, whole: Samples, there: Samples) -> PartCount:
    """The count of the samples that are there against those that a list names."""
    return PartCount(part, len(there), there.num_persons, len(whole), whole.num_persons)


def integrity_table(integrity: Integrity) -> str:
    """The report as a text table with a line a part, then the problems.

    Example:
        >>> print(integrity_table(Integrity("toy", (PartCount("query", 2, 1, 3, 1),))))
        part   images  expected  people  expected
        query       2         3       1         1  differs
    """
    width = max((len(part.part) for part in integrity.parts), default=4)
    lines = [f"{'part':<{width}}  images  expected  people  expected"]
    for part in integrity.parts:
        line = (
            f"{part.part:<{width}}  {part.num_images:>6}  {_or_dash(part.expected_images):>8}"
            f"  {part.num_persons:>6}  {_or_dash(part.expected_persons):>8}"
        )
        lines.append(line if part.is_whole else f"{line}  differs")
    return "\n".join(lines + [f"problem: {problem}" for problem in integrity.problems])


def listed(problems: Sequence[str], most: int) -> str:
    """Problems in one line, at most some of them, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], 2)
        'a; b; and 1 more'
    """
    more = [f"and {len(problems) - most} more"] if len(problems) > most else []
    return "; ".join([*problems[:most], *more])


def _of(number: int, expected: int | None) -> str:
    return str(number) if expected is None else f"{number} of {expected}"


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)
