"""A residual convolutional network for 224x224 images, 11 million parameters, traced."""

from __future__ import annotations

import torch
from torch import nn

import tsharness


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        widths = (64, 64, 128, 256, 512)
        blocks: list[nn.Module] = []
        for i in range(4):
            blocks += [
                Block(widths[i], widths[i + 1], 1 if i == 0 else 2),
                Block(widths[i + 1], widths[i + 1], 1),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(512, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


def make() -> tuple[ResNet, dict[str, tsharness.Inputs]]:
    torch.manual_seed(0)
    sizes = {"example": 1, "N=4": 4}
    model = ResNet().eval()
    return model, {name: tsharness.Inputs(torch.randn(size, 3, 224, 224)) for name, size in sizes.items()}
