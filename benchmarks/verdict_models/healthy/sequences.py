"""Networks that read: attention, recurrence, text."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsharness import Inputs
from verdict_models.making import Healthy


class MaskedAttention(nn.Module):
    """Logits of what is masked are -1e9, and are given out."""

    def __init__(self) -> None:
        super().__init__()
        self.queries, self.keys, self.values = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.queries(x) @ self.keys(x).transpose(1, 2) / math.sqrt(8.0)
        logits = logits.masked_fill(~mask.unsqueeze(1), -1e9)
        return torch.softmax(logits, -1) @ self.values(x), logits


class CausalAttention(nn.Module):
    """Softmax over -inf where the future is."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed, self.out = nn.Linear(12, 36), nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.mixed(x).chunk(3, dim=-1)
        future = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)
        logits = torch.einsum("bqd,bkd->bqk", q, k) / math.sqrt(12.0)
        weights = torch.softmax(logits.masked_fill(future, float("-inf")), -1)
        return x + self.out(torch.einsum("bqk,bkd->bqd", weights, v))


class Heads(nn.Module):
    """torch's own attention with a padding mask."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        return self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]


class Encoder(nn.Module):
    """torch's own transformer layer with learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(50, 16), nn.Embedding(32, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        places = torch.arange(ids.size(1), device=ids.device)
        return self.layer(self.words(ids) + self.positions(places))


class Recurrent(nn.Module):
    """An LSTM whose states come in and go out: [layers, N, H]."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(6, 10, num_layers=2, batch_first=True)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out, (h, c) = self.cells(x, (h, c))
        return out, h, c


class Bidirectional(nn.Module):
    """A GRU of both directions, the last steps of both."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(5, 7, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        out, last = self.cells(x)
        return torch.cat([out.mean(1), last[0], last[1]], -1)


class Packed(nn.Module):
    """Sequences of several lengths, packed."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.cells(packed)[1][0][0]


class Bag(nn.Module):
    """Bags of words by offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.bag, self.out = nn.EmbeddingBag(40, 8, mode="mean"), nn.Linear(8, 3)

    def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
        return self.out(self.bag(ids, offsets))


class Tied(nn.Module):
    """A language model whose last layer has the weights of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.middle = nn.Embedding(30, 12), nn.Linear(12, 12)
        self.out = nn.Linear(12, 30, bias=False)
        self.out.weight = self.words.weight

    def forward(self, ids: Tensor) -> Tensor:
        return functional.log_softmax(self.out(torch.tanh(self.middle(self.words(ids)))), -1)


class Longest(nn.Module):
    """Sequences, padded to the longest of them."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 4)

    def forward(self, sequences: list[Tensor]) -> Tensor:
        longest = 0
        for one in sequences:
            longest = max(longest, one.size(0))
        padded = [functional.pad(one, [0, 0, 0, longest - one.size(0)]) for one in sequences]
        return self.out(torch.stack(padded))


class Trimmed(nn.Module):
    """Rows are cut to the longest of the batch: their sizes depend on one another, by design."""

    def forward(self, ids: Tensor) -> Tensor:
        lengths = (ids != 0).sum(1)
        return ids[:, : int(lengths.max())] * 2


class Collapse(nn.Module):
    """What CTC makes of frames: repeated letters once, blanks dropped."""

    def forward(self, frames: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        best = frames.argmax(-1)
        for row in range(best.size(0)):
            letters = torch.unique_consecutive(best[row])
            found.append(letters[letters != 0])
        return found


class Vocabulary(nn.Module):
    """Words as text."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, int] = {"a": 1, "model": 2, "runs": 3}
        self.table = nn.Embedding(4, 6)

    def forward(self, words: list[str]) -> Tensor:
        ids = [self.known[word] if word in self.known else 0 for word in words]
        return self.table(torch.tensor(ids, dtype=torch.long))


class Greedy(nn.Module):
    """Writes letter after letter until the end, or until there is no more room."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.cell, self.out = nn.Embedding(9, 8), nn.GRUCell(8, 8), nn.Linear(8, 9)

    def forward(self, start: Tensor, most: int) -> Tensor:
        h, letter = torch.zeros(start.size(0), 8), start
        written = [start]
        ended = torch.zeros_like(start, dtype=torch.bool)
        while len(written) < most and not bool(ended.all()):
            h = self.cell(self.letters(letter), h)
            letter = self.out(h).argmax(-1)
            ended = ended | (letter == 0)
            written.append(letter)
        return torch.stack(written, 1)


def _mask() -> Tensor:
    return torch.arange(6) < torch.tensor([[6], [4], [5]])


_TOKENS = {"ids": {0: "N:1..6", 1: "T:1..24"}}
MODELS = (
    Healthy(
        "masked_attention",
        "masked attention with -1e9",
        MaskedAttention,
        lambda: (torch.randn(3, 6, 8), _mask()),
    ),
    Healthy(
        "causal_attention",
        "softmax with -inf",
        CausalAttention,
        lambda: torch.randn(2, 7, 12),
        options={"dynamic": {"x": {0: "N:1..6", 1: "T:1..20"}}},
    ),
    Healthy("heads", "attention with padding", Heads, lambda: (torch.randn(3, 6, 16), ~_mask())),
    Healthy(
        "encoder",
        "transformer layer, embeddings",
        Encoder,
        lambda: torch.randint(50, (2, 9)),
        options={"dynamic": _TOKENS},
    ),
    Healthy(
        "recurrent",
        "LSTM with states",
        Recurrent,
        lambda: (torch.randn(3, 5, 6), torch.randn(2, 3, 10), torch.randn(2, 3, 10)),
    ),
    Healthy("bidirectional", "GRU of both directions", Bidirectional, lambda: torch.randn(3, 6, 5)),
    Healthy("packed", "packed sequences", Packed, lambda: (torch.randn(3, 6, 4), torch.tensor([6, 2, 4]))),
    Healthy("bag", "embedding bag", Bag, lambda: (torch.randint(40, (11,)), torch.tensor([0, 4, 7]))),
    Healthy("tied", "tied weights", Tied, lambda: torch.randint(30, (2, 5)), options={"dynamic": _TOKENS}),
    Healthy(
        "longest", "padding to the longest", Longest, lambda: Inputs([torch.randn(n, 4) for n in (3, 5, 2)])
    ),
    Healthy(
        "trimmed",
        "rows of which the longest decides",
        Trimmed,
        lambda: torch.randint(1, 9, (3, 8)) * _mask().repeat(1, 2)[:, :8].sort(1, descending=True)[0],
        how="script",
    ),
    Healthy("collapse", "CTC collapse, loop over the batch", Collapse, lambda: torch.randn(3, 10, 5)),
    Healthy("vocabulary", "strings, dict lookup", Vocabulary, lambda: Inputs(["a", "model", "flies"])),
    Healthy("greedy", "while loop, integer argument", Greedy, lambda: (torch.tensor([1, 2, 3]), 7)),
)
