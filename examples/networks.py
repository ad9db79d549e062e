"""Networks that people deploy, from their packages and from a configuration, with seeded weights: no
download. transformers' models return classes of their own; a wrapper makes that a tuple of tensors."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import torch

from tsharness import Inputs


class Network(NamedTuple):
    """What to export, with examples of several shapes."""

    model: torch.nn.Module
    inputs: Mapping[str, Inputs]
    fixed: tuple[str, ...] = ()
    """Inputs of which no other size than the examples' is wanted."""


class Tuple(torch.nn.Module):
    """Names the inputs, and returns the outputs that are tensors as a tuple."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, first: torch.Tensor, second: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        given = (first,) if second is None else (first, second)
        named = dict(zip(self.names, given, strict=False))
        return tuple(v for v in self.model(**named).to_tuple() if isinstance(v, torch.Tensor))


Factory = TypeVar("Factory", bound=Callable[..., Network])


def seeded(factory: Factory) -> Factory:
    """Whoever calls it, in whatever process, gets the same weights and inputs."""

    @functools.wraps(factory)
    def make(*args: object) -> Network:
        torch.manual_seed(0)
        return factory(*args)

    return make  # type: ignore[return-value]


SMALL = {"num_hidden_layers": 4, "hidden_size": 128, "num_attention_heads": 4, "intermediate_size": 256}


def _text(vocabulary: int, shapes: Mapping[str, tuple[int, int]]) -> dict[str, Inputs]:
    """Token ids with a mask: every row but the first ends in padding."""
    inputs = {}
    for name, (batch, length) in shapes.items():
        mask = torch.ones(batch, length, dtype=torch.long)
        for row in range(1, batch):
            mask[row, length - row :] = 0
        inputs[name] = Inputs(torch.randint(1, vocabulary, (batch, length)), mask)
    return inputs


TEXT = {"example": (2, 16), "1x7": (1, 7), "3x33": (3, 33)}


@seeded
def bert() -> Network:
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(vocab_size=1000, **SMALL))
    return Network(Tuple(model, ("input_ids", "attention_mask")), _text(1000, TEXT))


@seeded
def gpt2() -> Network:
    from transformers import GPT2Config, GPT2Model

    model = GPT2Model(GPT2Config(vocab_size=1000, n_layer=4, n_embd=128, n_head=4, use_cache=False))
    return Network(Tuple(model, ("input_ids", "attention_mask")), _text(1000, TEXT))


@seeded
def t5_encoder() -> Network:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=1000, d_model=128, d_kv=32, d_ff=256, num_layers=4, num_heads=4)
    return Network(Tuple(T5EncoderModel(config), ("input_ids", "attention_mask")), _text(1000, TEXT))


@seeded
def vit() -> Network:
    from transformers import ViTConfig, ViTModel

    model = ViTModel(ViTConfig(image_size=64, patch_size=8, **SMALL))
    images = {"example": 1, "N=3": 3}
    inputs = {name: Inputs(torch.randn(n, 3, 64, 64)) for name, n in images.items()}
    return Network(Tuple(model, ("pixel_values",)), inputs)


@seeded
def whisper_encoder() -> Network:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = WhisperConfig(
        d_model=128,
        encoder_layers=4,
        encoder_attention_heads=4,
        encoder_ffn_dim=256,
        max_source_positions=100,
    )
    inputs = {name: Inputs(torch.randn(n, 80, 200)) for name, n in (("example", 1), ("N=2", 2))}
    return Network(Tuple(WhisperEncoder(config), ("input_features",)), inputs)


def _volumes(channels: int, sizes: Mapping[str, tuple[int, ...]]) -> dict[str, Inputs]:
    return {name: Inputs(torch.randn(n, channels, *extent)) for name, (n, *extent) in sizes.items()}


@seeded
def unet() -> Network:
    from monai.networks.nets import UNet

    model = UNet(3, 1, 2, channels=(8, 16, 32), strides=(2, 2), num_res_units=1)
    return Network(model, _volumes(1, {"example": (1, 32, 32, 32), "N=2": (2, 16, 32, 48)}))


@seeded
def dynunet() -> Network:
    from monai.networks.nets import DynUNet

    model = DynUNet(3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[8, 16, 32])
    return Network(model, _volumes(1, {"example": (1, 32, 32, 32), "N=2": (2, 16, 32, 48)}))


@seeded
def swin_unetr(other: tuple[int, ...] = (2, 64, 32, 32)) -> Network:
    from monai.networks.nets import SwinUNETR

    model = SwinUNETR(in_channels=1, out_channels=2, feature_size=12, depths=(1, 1, 1, 1))
    # Its windows are cut by Python, for the size that a trace sees.
    return Network(model, _volumes(1, {"example": (1, 64, 32, 32), "N=2": other}), fixed=("x_in",))


@seeded
def swin_unetr_of_another_size() -> Network:
    """Its windows are cut by Python: a trace is right for the size that it saw."""
    return swin_unetr((2, 32, 64, 32))


@seeded
def densenet() -> Network:
    from monai.networks.nets import DenseNet

    model = DenseNet(2, 3, 10, init_features=16, growth_rate=8, block_config=(2, 2, 2))
    return Network(model, _volumes(3, {"example": (1, 64, 64), "N=4": (4, 48, 80)}))


NETWORKS: dict[str, Callable[[], Network]] = {
    "bert": bert,
    "gpt2": gpt2,
    "t5_encoder": t5_encoder,
    "vit": vit,
    "whisper_encoder": whisper_encoder,
    "unet": unet,
    "dynunet": dynunet,
    "swin_unetr": swin_unetr,
    "swin_unetr_of_another_size": swin_unetr_of_another_size,
    "densenet": densenet,
}


def make(name: str, attention: str | None = None) -> Network:
    """The network of that name, seeded and in eval mode. ``attention``: "eager" is made of operators that
    every LibTorch has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the packages have to say about torch and numpy
        network = NETWORKS[name]()
    if attention is not None:
        network.model.model.set_attn_implementation(attention)
    network.model.eval().requires_grad_(False)
    return network
