"""Relation-aware attention as training computes it: the same function, without copies of maps.

`reid.attention.RelationAwareAttention.forward` says what is computed; this file computes the same,
with the same parameters, gradients and running statistics, from maps in channels-last memory. There
a map is N rows of C channels. Spatial attention takes rows as nodes, channel attention columns,
and everything is a product of matrices from the left or from the right, so that neither is ever
transposed in memory. Theta, phi and cue go through their BatchNorms together.

Letters as in `reid.attention`: b items, C channels, N positions, K features and M nodes of an
attention, F = K/8, O = M/8.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid.attention import RelationAwareAttention, RelationBlocks, batch_norm, convolution


def attended(attention: RelationAwareAttention, x: Tensor) -> Tensor:
    """What `attention(x)` gives in training mode, (b, C, H, W); any precision, any device."""
    if attention.literal or _is_synchronised(attention):
        result: Tensor = attention(x)
        return result
    height, width = attention.size
    rows = x.permute(0, 2, 3, 1).flatten(1, 2)  # (b, N, C), a view of channels-last memory
    for kind in attention.kinds:
        blocks = attention.blocks(kind)
        gate = row_gate(blocks, rows) if kind == "spatial" else column_gate(blocks, rows)
        rows = rows * gate
    return rows.view(-1, height, width, attention.channels).permute(0, 3, 1, 2)


def row_gate(blocks: RelationBlocks, rows: Tensor) -> Tensor:
    """(b, M, 1) gates where the nodes are the rows of (b, M, K)."""
    joint = functional.linear(rows, _projection(blocks))  # (b, M, 3F)
    joint = functional.relu(_normalised(joint, _projection_norms(blocks), dim=2), inplace=True)
    both, cue = _both_and_cue(joint, dim=2)
    theta, phi = both.chunk(2, 2)
    received, sent = _relation_weights(blocks)  # (O, M) each
    mixing = torch.cat([received @ phi, sent @ theta], 2)  # (b, O, 2F)
    relations = torch.bmm(both, mixing.transpose(1, 2))  # (b, M, O)
    norm = batch_norm(blocks.gg, 1)
    relations = functional.relu(_normalised(relations, [norm], dim=2), inplace=True)
    first, second = _head_weights(blocks, relations.dtype)
    hidden = functional.linear(relations, first[:, 1:]) + cue * first[:, 0]
    hidden = functional.relu(_normalised(hidden, [batch_norm(blocks.head, 1)], dim=2))
    scores = functional.linear(hidden, second)
    return torch.sigmoid(_normalised(scores, [batch_norm(blocks.head, 4)], dim=2))


def column_gate(blocks: RelationBlocks, rows: Tensor) -> Tensor:
    """(b, 1, M) gates where the nodes are the columns of (b, K, M)."""
    joint = _product(_projection(blocks), rows)  # (b, 3F, M)
    joint = functional.relu(_normalised(joint, _projection_norms(blocks), dim=1), inplace=True)
    both, cue = _both_and_cue(joint, dim=1)
    theta, phi = both.chunk(2, 1)
    received, sent = _relation_weights(blocks)
    from_phi, from_theta = functional.linear(phi, received), functional.linear(theta, sent)
    mixing = torch.cat([from_phi, from_theta], 1)  # (b, 2F, O)
    relations = torch.bmm(mixing.transpose(1, 2), both)  # (b, O, M)
    norm = batch_norm(blocks.gg, 1)
    relations = functional.relu(_normalised(relations, [norm], dim=1), inplace=True)
    first, second = _head_weights(blocks, relations.dtype)
    hidden = _product(first[:, 1:], relations) + first[:, :1] * cue
    hidden = functional.relu(_normalised(hidden, [batch_norm(blocks.head, 1)], dim=1))
    scores = _product(second, hidden)
    return torch.sigmoid(_normalised(scores, [batch_norm(blocks.head, 4)], dim=1))


def _is_synchronised(attention: RelationAwareAttention) -> bool:
    """Whether its BatchNorms look at several processes, which they do when called themselves."""
    return any(isinstance(layer, nn.SyncBatchNorm) for layer in attention.modules())


def _projection(blocks: RelationBlocks) -> Tensor:
    """(3F, K): theta, phi, cue."""
    parts = (blocks.theta, blocks.phi, blocks.gx)
    return torch.cat([convolution(part, 0).weight.flatten(1) for part in parts])


def _projection_norms(blocks: RelationBlocks) -> list[nn.BatchNorm2d]:
    return [batch_norm(part, 1) for part in (blocks.theta, blocks.phi, blocks.gx)]


def _both_and_cue(joint: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Theta with phi, and the mean of the cue, which keeps its dimension."""
    inner = joint.shape[dim] // 3
    both, cue = torch.split(joint, [2 * inner, inner], dim)
    return both, cue.mean(dim, keepdim=True)


def _relation_weights(blocks: RelationBlocks) -> tuple[Tensor, Tensor]:
    received, sent = convolution(blocks.gg, 0).weight.flatten(1).chunk(2, 1)
    return received, sent


def _head_weights(blocks: RelationBlocks, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(hidden, 1 + O), whose first column is for the cue, and (1, hidden)."""
    first, second = convolution(blocks.head, 0).weight, convolution(blocks.head, 3).weight
    return first.flatten(1).to(dtype), second.flatten(1).to(dtype)


def _product(weight: Tensor, columns: Tensor) -> Tensor:
    """(b, I, M) from (I, K) and (b, K, M), without transposing the columns."""
    return torch.bmm(weight.expand(len(columns), -1, -1), columns)


def _normalised(x: Tensor, norms: Sequence[nn.BatchNorm2d], *, dim: int) -> Tensor:
    """BatchNorm of (b, M, F) over its last (2) or middle (1) dimension, by several layers at once.

    The layers' running statistics and counters move as if each had been called.
    """
    weight = torch.cat([norm.weight for norm in norms])
    bias = torch.cat([norm.bias for norm in norms])
    means, variances = _running(norms)
    mean, variance = torch.cat(means), torch.cat(variances)
    momentum, epsilon = norms[0].momentum, norms[0].eps
    if momentum is None:
        raise ValueError("a BatchNorm with a cumulative mean cannot be trained here")
    # Rows are seen as one image in channels-last memory: (1, F, b * M, 1).
    view = x.reshape(1, -1, 1, x.shape[2]).permute(0, 3, 1, 2) if dim == 2 else x
    result = functional.batch_norm(view, mean, variance, weight, bias, True, momentum, epsilon)
    with torch.no_grad():
        sizes = [len(part) for part in means]
        torch._foreach_copy_(means, torch.split(mean, sizes))
        torch._foreach_copy_(variances, torch.split(variance, sizes))
        for norm in norms:
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
    return result.permute(0, 2, 3, 1).view_as(x) if dim == 2 else result


def _running(norms: Sequence[nn.BatchNorm2d]) -> tuple[list[Tensor], list[Tensor]]:
    means = [norm.running_mean for norm in norms if norm.running_mean is not None]
    variances = [norm.running_var for norm in norms if norm.running_var is not None]
    return means, variances
