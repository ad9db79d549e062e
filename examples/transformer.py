"""A transformer encoder of four layers on token ids of any length, with a padding mask, scripted."""

from __future__ import annotations

import torch
from torch import nn

import tsharness

WIDTH, HEADS, VOCABULARY, LONGEST = 128, 4, 1000, 128


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: torch.Tensor, blocked: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        heads = self.qkv(self.norm1(x)).view(batch, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        q, k, v = heads[0], heads[1], heads[2]
        scores = q @ k.transpose(-2, -1) / (width / 4) ** 0.5
        weights = torch.softmax(scores.masked_fill(blocked[:, None, None, :], -1e9), -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(4))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.tokens(ids) + self.positions(torch.arange(ids.size(1), device=ids.device))
        blocked = mask == 0
        for layer in self.layers:
            x = layer(x, blocked)
        weight = mask[:, :, None].to(x.dtype)
        return {"hidden": x, "pooled": (x * weight).sum(1) / weight.sum(1)}


def _inputs(batch: int, length: int) -> tsharness.Inputs:
    """The rows of a batch have different lengths; the rest of each is padding."""
    mask = torch.ones(batch, length, dtype=torch.long)
    for row in range(1, batch):
        mask[row, length - row * length // (batch + 1) :] = 0
    return tsharness.Inputs(torch.randint(0, VOCABULARY, (batch, length)), mask=mask)


def make() -> tuple[Encoder, dict[str, tsharness.Inputs]]:
    torch.manual_seed(0)
    model = Encoder().eval()
    sizes = {"example": (2, 16), "1x1": (1, 1), "4x33": (4, 33), "2x128": (2, 128)}
    return model, {name: _inputs(batch, length) for name, (batch, length) in sizes.items()}
