from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.distillation import Kind, distillation_loss

KINDS: tuple[Kind, ...] = ("relational", "similarity")


def cosines(features: np.ndarray) -> np.ndarray:
    unit = features / np.sqrt((features**2).sum(1, keepdims=True))
    return np.array([[float(np.dot(a, b)) for b in unit] for a in unit])


def relational_by_loops(student: np.ndarray, teacher: np.ndarray) -> float:
    seen, wanted = cosines(student), cosines(teacher)
    num = len(seen)
    pairs = [(i, j) for i in range(num) for j in range(num) if i != j]
    return float(sum((seen[pair] - wanted[pair]) ** 2 for pair in pairs)) / len(pairs)


def similarity_by_loops(student: np.ndarray, teacher: np.ndarray, temperature: float) -> float:
    seen, wanted = cosines(student), cosines(teacher)
    total = 0.0
    for row in range(len(seen)):
        others = [column for column in range(len(seen)) if column != row]
        p = [math.exp(wanted[row, column] / temperature) for column in others]
        q = [math.exp(seen[row, column] / temperature) for column in others]
        p, q = [x / sum(p) for x in p], [x / sum(q) for x in q]
        total += sum(x * math.log(x / y) for x, y in zip(p, q, strict=True))
    return total / len(seen)


def test_both_kinds_equal_the_sums_written_out() -> None:
    rng = np.random.default_rng(3)
    student, teacher = rng.normal(size=(6, 8)), rng.normal(size=(6, 3))
    tensors = torch.from_numpy(student).float(), torch.from_numpy(teacher).float()

    relational = distillation_loss(*tensors, kind="relational")
    similarity = distillation_loss(*tensors, kind="similarity", temperature=0.2)

    assert relational.item() == pytest.approx(relational_by_loops(student, teacher), abs=1e-5)
    assert similarity.item() == pytest.approx(similarity_by_loops(student, teacher, 0.2), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_that_sees_the_same_angles_costs_nothing(kind: Kind) -> None:
    teacher = torch.randn(5, 4)
    turn = torch.linalg.qr(torch.randn(4, 4))[0]
    student = 3 * torch.cat([teacher @ turn, torch.zeros(5, 2)], 1)

    assert distillation_loss(student, teacher, kind=kind).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_only_pairs_that_are_asked_for_count(kind: Kind) -> None:
    teacher = torch.randn(5, 4)
    student = teacher.clone().requires_grad_()
    persons = torch.tensor([0, 0, 1, 1, 1])
    strangers = persons[:, None] != persons[None, :]
    others = torch.tensor([[2.0, 0], [2, 0], [0, 3], [0, 3], [0, 3]])

    same = distillation_loss(student, teacher, strangers, kind=kind)
    orthogonal = distillation_loss(others, torch.eye(5), strangers, kind=kind)
    within = distillation_loss(others, torch.eye(5), ~strangers, kind=kind)
    torch.autograd.backward(same)

    assert same.item() == pytest.approx(0, abs=1e-5)
    assert orthogonal.item() == pytest.approx(0, abs=1e-5)  # persons are at 90 degrees in both
    if kind == "relational":
        assert within.item() == pytest.approx(1)
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_the_softmax_is_over_the_pairs_that_count() -> None:
    rng = np.random.default_rng(5)
    student, teacher = rng.normal(size=(5, 6)), rng.normal(size=(5, 3))
    counts = torch.ones(5, 5, dtype=torch.bool)
    counts[4], counts[:, 4] = False, False

    found = distillation_loss(
        torch.from_numpy(student), torch.from_numpy(teacher), counts, kind="similarity"
    )

    expected = similarity_by_loops(student[:4], teacher[:4], 0.1)
    assert found.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_person_alone_has_no_strangers(kind: Kind) -> None:
    student = torch.randn(3, 4, requires_grad=True)

    loss = distillation_loss(
        student, torch.randn(3, 2), torch.zeros(3, 3, dtype=torch.bool), kind=kind
    )

    assert loss.item() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_reaches_the_student_only(kind: Kind) -> None:
    student = torch.randn(4, 6, requires_grad=True)
    teacher = torch.randn(4, 3, requires_grad=True)

    torch.autograd.backward(distillation_loss(student, teacher, kind=kind))

    assert student.grad is not None
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


@pytest.mark.parametrize("num", [0, 1])
def test_less_than_a_pair_costs_nothing(num: int) -> None:
    assert distillation_loss(torch.randn(num, 4), torch.randn(num, 3)).item() == 0
