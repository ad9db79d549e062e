"""The models below examples/."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import conditional
import networks
import resnet
import script_method
import torch
import transformer
import voice_activity

from input_artifacts.making import Artifact, Maker, script, trace
from tsharness.exporting import torch_jit
from tsharness.exporting.inputs import argument_names


def _network(name: str) -> Maker:
    """Traced with its own example."""

    def make() -> torch.jit.ScriptModule:
        network = networks.make(name)
        inputs = network.inputs["example"]
        names = argument_names(network.model, "forward")
        named = [inputs.kwargs[n] for n in names[len(inputs.args) :] if n in inputs.kwargs]
        return trace(network.model, *inputs.args, *named)

    return make


def _frozen(maker: Maker) -> Maker:
    return lambda: torch_jit.freeze(maker(), ["forward"])


ARTIFACTS = (
    Artifact("conditional_on_tensor", "examples", "scripted", lambda: script(conditional.on_tensor()[0])),
    Artifact("conditional_on_bool", "examples", "scripted", lambda: script(conditional.on_bool()[0])),
    Artifact("script_method", "examples", "scripted", lambda: script(script_method.make()[0])),
    Artifact("resnet", "examples", "traced", lambda: trace(resnet.make()[0], torch.randn(1, 3, 224, 224))),
    Artifact("transformer", "examples", "scripted", lambda: script(transformer.make()[0])),
    Artifact("voice_activity", "examples", "scripted", lambda: torch_jit.load(voice_activity.find_model())),
    Artifact("bert", "examples", "traced", _network("bert")),
    Artifact("gpt2", "examples", "traced", _network("gpt2")),
    Artifact("vit", "examples", "traced, frozen", _frozen(_network("vit"))),
    Artifact("whisper_encoder", "examples", "traced", _network("whisper_encoder")),
    Artifact("swin_unetr", "examples", "traced", _network("swin_unetr")),
    Artifact("dynunet", "examples", "scripted", lambda: script(networks.make("dynunet").model)),
    Artifact("densenet", "examples", "scripted", lambda: script(networks.make("densenet").model)),
)
