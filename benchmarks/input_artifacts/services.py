"""What people put around a network before they deploy it: scripted, with arguments of every type."""

from __future__ import annotations

import torch
from torch import nn

from input_artifacts.making import Artifact, Maker, ids, ones, script, trace
from input_artifacts.transformer_networks import SMALL, WORDS, Pairs, Pixels


class Classifier(nn.Module):
    """The best classes of a text."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.head = network, nn.Linear(64, 20)

    def forward(self, features: dict[str, torch.Tensor], k: int) -> tuple[torch.Tensor, torch.Tensor]:
        token_types = torch.zeros_like(features["input_ids"])
        if "token_type_ids" in features:
            token_types = features["token_type_ids"]
        hidden = self.network(features["input_ids"], features["attention_mask"], token_types)[0]
        best = torch.topk(self.head(hidden[:, 0]), k)
        return best[0], best[1]


class Embedder(nn.Module):
    """A text as a vector; the mask may be left out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None, pooling: str) -> torch.Tensor:
        if mask is None:
            mask = torch.ones_like(tokens)
        hidden = self.network(tokens, mask, torch.zeros_like(tokens))[0]
        if pooling == "first":
            return hidden[:, 0]
        if pooling == "mean":
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weight).sum(1) / weight.sum(1)
        raise ValueError("pooling is first or mean")


class TokenLists(nn.Module):
    """Texts of several lengths, as lists of numbers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, texts: list[list[int]], padding: int) -> torch.Tensor:
        longest = max([len(text) for text in texts])
        tokens = torch.full((len(texts), longest), padding, dtype=torch.long)
        mask = torch.zeros(len(texts), longest, dtype=torch.long)
        for row, text in enumerate(texts):
            tokens[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        return self.network(tokens, mask, torch.zeros_like(tokens))[0]


class Gallery(nn.Module):
    """Images of any size, one by one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.rand(3, 1, 1))

    def forward(self, images: list[torch.Tensor], size: int) -> list[torch.Tensor]:
        found: list[torch.Tensor] = []
        for image in images:
            image = (image - self.mean).unsqueeze(0)
            scaled = nn.functional.interpolate(image, size=[size, size], mode="bilinear")
            found.append(self.network(scaled)[0])
        return found


class Twins(nn.Module):
    """How alike two images are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pair: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        first, second = pair
        return torch.cosine_similarity(self.network(first)[1], self.network(second)[1])


class Recognizer(nn.Module):
    """A recording in chunks, with a state from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.front, self.cell = nn.Conv1d(1, 8, 5, stride=2), nn.LSTM(8, 12, batch_first=True)
        self.out = nn.Linear(12, 5)

    def forward(
        self, wave: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor], sample_rate: int
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        if sample_rate != 8000 and sample_rate != 16000:
            raise ValueError("the rate is 8000 or 16000")
        frames = self.front(wave.unsqueeze(1)).transpose(1, 2)
        hidden, state = self.cell(frames, state)
        return self.out(hidden), state


class Segmenter(nn.Module):
    """A volume in windows."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, volume: torch.Tensor, window: list[int], threshold: float) -> torch.Tensor:
        result = torch.zeros_like(volume)
        for z in range(0, volume.size(2) - window[0] + 1, window[0]):
            part = volume[:, :, z : z + window[0], : window[1], : window[2]]
            mask = self.network(part)[:, :1] > threshold
            result[:, :, z : z + window[0], : window[1], : window[2]] = mask.to(volume.dtype)
        return result


class Ranker(nn.Module):
    """Items for a user, of numbers and categories."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(300, 16), nn.Embedding(700, 16)
        self.dense, self.out = nn.Linear(13, 16), nn.Linear(48, 1)

    def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        user, item = self.users(batch["user_id"]), self.items(batch["item_id"])
        context = torch.relu(self.dense(batch["context"]))
        score = torch.sigmoid(self.out(torch.cat([user, item, context], dim=-1)))
        return {"score": score.squeeze(-1)}


class Graph(nn.Module):
    """Messages along the edges of a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.message, self.update = nn.Linear(7, 7), nn.Linear(14, 7)

    def forward(self, nodes: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        source, target = edge_index[0], edge_index[1]
        sent = self.message(nodes)[source]
        received = torch.zeros_like(nodes).index_add(0, target, sent)
        return self.update(torch.cat([nodes, received], dim=1))


class Fusion(nn.Module):
    """An image with numbers of the patient, which may be missing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.numbers, self.out = network, nn.Linear(6, 10), nn.Linear(20, 2)

    def forward(self, image: torch.Tensor, clinical: torch.Tensor | None) -> torch.Tensor:
        seen = self.network(image)
        if clinical is not None:
            other = self.numbers(clinical)
        else:
            other = torch.zeros_like(seen)
        return self.out(torch.cat([seen, other], 1))


def _text_network() -> torch.jit.ScriptModule:
    from transformers import BertConfig, BertModel

    example = (ids(WORDS, 2, 12), ones(2, 12), torch.zeros(2, 12, dtype=torch.long))
    return trace(Pairs(BertModel(BertConfig(vocab_size=WORDS, **SMALL))), *example)


def _image_network() -> torch.jit.ScriptModule:
    from transformers import ViTConfig, ViTModel

    return trace(
        Pixels(ViTModel(ViTConfig(image_size=48, patch_size=16, **SMALL))), torch.randn(1, 3, 48, 48)
    )


def _scanner() -> nn.Module:
    from monai.networks.nets import DenseNet

    return DenseNet(2, 1, 10, init_features=8, growth_rate=4, block_config=(2, 2))


def _volume_network() -> nn.Module:
    from monai.networks.nets import SegResNet

    return SegResNet(3, 8, 1, 2, blocks_down=(1, 1), blocks_up=(1,))


def _artifact(name: str, source: str, make: Maker) -> Artifact:
    return Artifact(name, source, "scripted", make)


ARTIFACTS = (
    _artifact("classifier", "transformers", lambda: script(Classifier(_text_network()))),
    _artifact("embedder", "transformers", lambda: script(Embedder(_text_network()))),
    _artifact("token_lists", "transformers", lambda: script(TokenLists(_text_network()))),
    _artifact("gallery", "transformers", lambda: script(Gallery(_image_network()))),
    _artifact("twins", "transformers", lambda: script(Twins(_image_network()))),
    _artifact("segmenter", "monai", lambda: script(Segmenter(_volume_network()))),
    _artifact("fusion", "monai", lambda: script(Fusion(_scanner()))),
    _artifact("recognizer", "torch", lambda: script(Recognizer())),
    _artifact("ranker", "torch", lambda: script(Ranker())),
    _artifact("graph", "torch", lambda: script(Graph())),
)
