"""What rows of a batch may do, and reductions of all kinds."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsharness import Inputs
from verdict_models.making import Healthy


class Classifier(nn.Module):
    """Two layers with layer normalisation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(functional.gelu(self.norm(self.first(x))))


class KeepDim(nn.Module):
    """The second output has one row, whatever the batch."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x.abs().mean(0, keepdim=True)


class Standardised(nn.Module):
    """Rows are compared with their batch, by design."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(0)) / (x.std(0, correction=0) + 1e-3)


class Running(nn.Module):
    """Sums from the left, products, differences."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return x.cumsum(1), torch.cummax(x, 1)[0], torch.diff(x, dim=1)


class Ranked(nn.Module):
    """Sorted, the best three, the best."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        best = x.topk(3, dim=1)
        return x.sort(stable=True, dim=1)[0], best.values, best.indices, x.argmax(1)


class Scattered(nn.Module):
    """Gathers, then adds where the indices say."""

    def forward(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        return x.gather(1, index), torch.zeros_like(x).scatter_add(1, index, x)


class Messages(nn.Module):
    """Messages along the edges of a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.message = nn.Linear(5, 5)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        sent = self.message(nodes)[edges[0]]
        return torch.zeros_like(nodes).index_add(0, edges[1], sent)


class Buckets(nn.Module):
    """Numbers by the bounds between which they lie, and how many."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bounds", torch.tensor([-1.0, 0.0, 0.5, 1.5]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.bucketize(x, self.bounds)
        return found, functional.one_hot(found, 5).sum(1)


class Nearest(nn.Module):
    """The nearest of some prototypes, and how far each is."""

    def __init__(self) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(6, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        distances = torch.cdist(x, self.prototypes)
        return distances.argmin(1), distances


class Alike(nn.Module):
    """How alike two vectors are, in two ways."""

    def __init__(self) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(6, 6, 2)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        return functional.cosine_similarity(left, right, dim=1), self.bilinear(left, right)


class Energies(nn.Module):
    """Log-sum-exp of rows and of the whole batch: the second is a number."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.logsumexp(x, 1), torch.logsumexp(x, [0, 1])


class Chosen(nn.Module):
    """The rows that pass: as many as there are, in one case none."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.nonzero(self.score(x).squeeze(1) > 0.0).squeeze(1)
        return x[rows], rows


class Pairwise(nn.Module):
    """Every row against every other: both first dims follow the batch."""

    def forward(self, x: Tensor) -> Tensor:
        unit = functional.normalize(x, dim=1)
        return unit @ unit.t()


class TimeFirst(nn.Module):
    """The batch is the second dim."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.cells(x)[0]


class Contrast(nn.Module):
    """Softmax over the batch, by design."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(x, 0)


def _edges() -> tuple[Tensor, Tensor]:
    return torch.randn(6, 5), torch.randint(6, (2, 9))


MODELS = (
    Healthy(
        "classifier",
        "layers, layer norm",
        Classifier,
        lambda: torch.randn(3, 8),
        options={"dynamic": {"x": {0: "N:1..64"}}},
    ),
    Healthy("keepdim", "keepdim reductions", KeepDim, lambda: torch.randn(3, 8)),
    Healthy(
        "standardised", "batch statistics by design", Standardised, lambda: torch.randn(4, 6), how="script"
    ),
    Healthy("running", "cumulative sums", Running, lambda: torch.randn(3, 9)),
    Healthy("ranked", "sort, topk, argmax", Ranked, lambda: torch.randn(3, 9)),
    Healthy(
        "scattered", "gather and scatter", Scattered, lambda: (torch.randn(3, 6), torch.randint(6, (3, 6)))
    ),
    Healthy("messages", "graph, index_add", Messages, _edges),
    Healthy("buckets", "bucketize, one hot", Buckets, lambda: torch.randn(3, 7)),
    Healthy("nearest", "distances", Nearest, lambda: torch.randn(3, 8)),
    Healthy("alike", "cosine similarity, bilinear", Alike, lambda: (torch.randn(3, 6), torch.randn(3, 6))),
    Healthy("energies", "log-sum-exp, a number of the batch", Energies, lambda: torch.randn(3, 5)),
    Healthy(
        "chosen",
        "empty outputs, rows that pass",
        Chosen,
        lambda: {
            "some": Inputs(torch.randn(6, 4)),
            "none": Inputs(torch.full((3, 4), -50.0) * torch.tensor([1.0, 0, 0, 0])),
        },
        how="script",
    ),
    Healthy("pairwise", "every row against every other", Pairwise, lambda: torch.randn(3, 5)),
    Healthy(
        "time_first",
        "batch in the second dim",
        TimeFirst,
        lambda: torch.randn(6, 3, 4),
        options={"dynamic": {"x": {0: "T:1..12", 1: "N:1..6"}}},
    ),
    Healthy("contrast", "softmax over the batch by design", Contrast, lambda: torch.randn(4, 3), how="trace"),
)
