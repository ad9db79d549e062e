"""Networks that see: convolutions, detection, sampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsharness import Inputs
from verdict_models.making import Healthy


class Residual(nn.Module):
    """A small residual network with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, 5)
        with torch.no_grad():
            self.norm.running_mean.uniform_(-1, 1)
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.stem(x)))
        h = h + self.inner(h)
        return self.head(h.mean(dim=[2, 3]))


class Anchors(nn.Module):
    """Detection with anchors: boxes and scores for each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.boxes, self.scores = nn.Conv2d(8, 2 * 4, 1), nn.Conv2d(8, 2, 1)
        self.register_buffer("sizes", torch.tensor([[8.0, 8.0], [16.0, 24.0]]))

    def anchors(self, height: int, width: int) -> Tensor:
        y = (torch.arange(height, dtype=torch.float32) + 0.5) * 4
        x = (torch.arange(width, dtype=torch.float32) + 0.5) * 4
        centers = torch.stack(torch.meshgrid([y, x], indexing="ij"), dim=-1).reshape(-1, 1, 2)
        return torch.cat([centers.expand(-1, 2, 2), self.sizes.expand(height * width, 2, 2)], -1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(self.backbone(image))
        anchors = self.anchors(h.size(2), h.size(3)).reshape(-1, 4)
        deltas = self.boxes(h).reshape(h.size(0), 2, 4, -1).permute(0, 3, 1, 2).reshape(h.size(0), -1, 4)
        centers = anchors[:, :2] + deltas[..., :2] * anchors[:, 2:]
        sizes = anchors[:, 2:] * torch.exp(deltas[..., 2:].clamp(max=4.0))
        scores = self.scores(h).reshape(h.size(0), 2, -1).transpose(1, 2).reshape(h.size(0), -1)
        return torch.cat([centers - sizes / 2, centers + sizes / 2], -1), torch.sigmoid(scores)


class Detections(nn.Module):
    """The boxes of one image above a threshold: there may be none."""

    def forward(self, boxes: Tensor, scores: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
        kept = scores > threshold
        return boxes[kept], scores[kept]


class Suppression(nn.Module):
    """Of boxes that overlap, the best one: indices, as many as there are."""

    def overlap(self, box: Tensor, others: Tensor) -> Tensor:
        low, high = torch.maximum(box[:2], others[:, :2]), torch.minimum(box[2:], others[:, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        area = (others[:, 2:] - others[:, :2]).prod(dim=1)
        return shared / (area + (box[2:] - box[:2]).prod() - shared + 1e-9)

    def forward(self, boxes: Tensor, scores: Tensor) -> Tensor:
        left = scores.argsort(descending=True, stable=True)
        kept: list[int] = []
        while left.numel() > 0:
            best = int(left[0])
            kept.append(best)
            left = left[1:]
            left = left[self.overlap(boxes[best], boxes[left]) < 0.5]
        return torch.tensor(kept, dtype=torch.long)


class Depthwise(nn.Module):
    """A separable convolution over a signal, with group normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.deep, self.point = nn.Conv1d(6, 6, 5, padding=2, groups=6), nn.Conv1d(6, 8, 1)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, signal: Tensor) -> Tensor:
        return functional.silu(self.norm(self.point(self.deep(signal))))


class Volume(nn.Module):
    """Three dimensions, instance normalisation, pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv3d(1, 4, 3, padding=1), nn.InstanceNorm3d(4, affine=True)

    def forward(self, volume: Tensor) -> Tensor:
        h = functional.leaky_relu(self.norm(self.convolution(volume)), 0.1)
        return functional.adaptive_avg_pool3d(functional.max_pool3d(h, 2), [1, 2, 2])


class Upsampler(nn.Module):
    """Transposed convolution, shuffled pixels, reflected borders."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1)
        self.out = nn.Conv2d(8, 12, 3)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, image: Tensor) -> Tensor:
        h = functional.elu(self.up(image))
        return self.shuffle(self.out(functional.pad(h, [1, 1, 1, 1], mode="reflect")))


class UNet(nn.Module):
    """Down and up again, the sizes by interpolation."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(2, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.up = nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        wide = functional.gelu(self.down(image))
        deep = functional.gelu(self.deep(functional.avg_pool2d(wide, 2)))
        back = functional.interpolate(deep, size=image.shape[2:], mode="bilinear", align_corners=False)
        return self.up(torch.cat([wide, back], 1))


class Warp(nn.Module):
    """A spatial transformer: samples the image where an affine map says."""

    def __init__(self) -> None:
        super().__init__()
        self.locate = nn.Linear(3, 6)
        with torch.no_grad():
            self.locate.weight.mul_(0.1)
            self.locate.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, image: Tensor) -> Tensor:
        theta = self.locate(image.mean(dim=[2, 3])).reshape(-1, 2, 3)
        sizes = [image.size(0), image.size(1), image.size(2), image.size(3)]
        grid = functional.affine_grid(theta, sizes, align_corners=False)
        return functional.grid_sample(image, grid, align_corners=False)


class Patches(nn.Module):
    """Patches of an image with a token before them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.embed(image).flatten(2).transpose(1, 2)
        tokens = self.norm(torch.cat([self.token.expand(patches.size(0), -1, -1), patches], 1))
        return self.head(tokens[:, 0]), tokens


def _boxes(count: int) -> tuple[Tensor, Tensor]:
    corners = torch.rand(count, 2) * 50
    return torch.cat([corners, corners + 10 + torch.rand(count, 2) * 20], 1), torch.rand(count)


_IMAGE = {"x": {0: "N:1..8"}}
MODELS = (
    Healthy(
        "residual",
        "convolutions, batch norm",
        Residual,
        lambda: torch.randn(3, 3, 12, 12),
        options={"dynamic": _IMAGE},
    ),
    Healthy("anchors", "detection with anchors", Anchors, lambda: torch.randn(2, 3, 24, 32)),
    Healthy(
        "detections",
        "empty outputs",
        Detections,
        lambda: {"some": Inputs(*_boxes(7)), "none": Inputs(_boxes(5)[0], torch.zeros(5))},
        options={"method": "script"},
    ),
    Healthy("suppression", "detection, loop", Suppression, lambda: _boxes(12), how="script"),
    Healthy(
        "depthwise",
        "convolution 1d, group norm",
        Depthwise,
        lambda: torch.randn(2, 6, 20),
        options={"dynamic": {"signal": {0: "N:1..6", 2: "T:8..40"}}},
    ),
    Healthy("volume", "convolution 3d, instance norm, pooling", Volume, lambda: torch.randn(2, 1, 6, 8, 8)),
    Healthy(
        "upsampler",
        "transposed convolution, pixel shuffle",
        Upsampler,
        lambda: torch.randn(2, 3, 9, 7),
        how="trace",
    ),
    Healthy(
        "unet",
        "interpolation",
        UNet,
        lambda: torch.randn(2, 2, 13, 10),
        options={"dynamic": {"image": {0: "N:1..4", 2: "H:4..32"}}},
    ),
    Healthy("warp", "grid sampling", Warp, lambda: torch.rand(2, 3, 8, 10)),
    Healthy("patches", "views, expanded token", Patches, lambda: torch.randn(2, 3, 16, 24)),
)
