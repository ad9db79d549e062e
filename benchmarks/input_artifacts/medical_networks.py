"""Networks of monai, narrow, with random weights."""

from __future__ import annotations

import torch

from input_artifacts.making import Artifact, Maker, script, trace
from tsharness.exporting import torch_jit


def segresnet() -> torch.jit.ScriptModule:
    from monai.networks.nets import SegResNet

    return script(SegResNet(3, 8, 4, 3, blocks_down=(1, 1, 1), blocks_up=(1, 1)))


def attention_unet() -> torch.jit.ScriptModule:
    from monai.networks.nets import AttentionUnet

    model = AttentionUnet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2))
    return trace(model, torch.randn(1, 1, 64, 64))


def basic_unet() -> torch.jit.ScriptModule:
    from monai.networks.nets import BasicUNet

    return trace(BasicUNet(2, 3, 2, features=(8, 8, 16, 16, 32, 8)), torch.randn(1, 3, 64, 64))


def unetr() -> torch.jit.ScriptModule:
    from monai.networks.nets import UNETR

    widths = {"hidden_size": 48, "mlp_dim": 96, "num_heads": 4, "feature_size": 8}
    return trace(UNETR(1, 2, img_size=(48, 48, 32), **widths), torch.randn(1, 1, 48, 48, 32))


def vision_transformer() -> torch.jit.ScriptModule:
    from monai.networks.nets import ViT

    sizes = {"hidden_size": 48, "mlp_dim": 96, "num_layers": 2, "num_heads": 4}
    model = ViT(2, (32, 48, 32), (16, 16, 16), classification=True, num_classes=3, **sizes)
    return trace(model, torch.randn(1, 2, 32, 48, 32))


def highresnet() -> torch.jit.ScriptModule:
    from monai.networks.nets import HighResNet

    return trace(HighResNet(2, 1, 3), torch.randn(1, 1, 32, 32))


def efficientnet() -> torch.jit.ScriptModule:
    from monai.networks.nets import EfficientNetBN

    model = EfficientNetBN("efficientnet-b0", pretrained=False, spatial_dims=2, in_channels=1, num_classes=4)
    return torch_jit.freeze(trace(model, torch.randn(1, 1, 64, 64)), ["forward"])


def autoencoder() -> torch.jit.ScriptModule:
    from monai.networks.nets import AutoEncoder

    return script(AutoEncoder(2, 1, 1, channels=(4, 8), strides=(2, 2)))


def var_autoencoder() -> torch.jit.ScriptModule:
    from monai.networks.nets import VarAutoEncoder

    model = VarAutoEncoder(2, (1, 48, 48), 1, 8, channels=(4, 8, 16), strides=(2, 2, 2))
    return trace(model, torch.randn(1, 1, 48, 48))


def regressor() -> torch.jit.ScriptModule:
    from monai.networks.nets import Regressor

    return script(Regressor((1, 36, 60), (2,), channels=(4, 8), strides=(2, 2)))


def discriminator() -> torch.jit.ScriptModule:
    from monai.networks.nets import Discriminator

    return script(Discriminator((3, 40, 40), channels=(4, 8), strides=(2, 2)))


def fully_connected() -> torch.jit.ScriptModule:
    from monai.networks.nets import FullyConnectedNet

    return script(FullyConnectedNet(27, 3, (16, 8)))


def diffusion_unet() -> torch.jit.ScriptModule:
    from monai.networks.nets import DiffusionModelUNet

    widths = {"channels": (8, 16), "num_res_blocks": 1, "norm_num_groups": 8, "num_head_channels": 8}
    model = DiffusionModelUNet(2, 1, 1, attention_levels=(False, True), **widths)
    return trace(model, torch.randn(1, 1, 32, 32), torch.randint(0, 1000, (1,)))


def conditioned_diffusion() -> torch.jit.ScriptModule:
    from monai.networks.nets import DiffusionModelUNet

    widths = {"channels": (8, 16), "num_res_blocks": 1, "norm_num_groups": 8, "num_head_channels": 8}
    model = DiffusionModelUNet(
        2, 3, 3, attention_levels=(False, True), with_conditioning=True, cross_attention_dim=12, **widths
    )
    return trace(model, torch.randn(1, 3, 32, 32), torch.randint(0, 1000, (1,)), torch.randn(1, 5, 12))


def _artifact(make: Maker, how: str) -> Artifact:
    return Artifact(make.__name__, "monai", how, make)


SCRIPTED = (segresnet, autoencoder, regressor, discriminator, fully_connected)
TRACED = (
    *(attention_unet, basic_unet, unetr, vision_transformer, highresnet, var_autoencoder),
    *(diffusion_unet, conditioned_diffusion),
)
ARTIFACTS = (
    *(_artifact(make, "scripted") for make in SCRIPTED),
    *(_artifact(make, "traced") for make in TRACED),
    _artifact(efficientnet, "traced, frozen"),
)
