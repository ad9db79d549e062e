"""Networks of transformers, narrow, with random weights. Their ``forward`` returns classes of their own: a
wrapper names the inputs, as everybody who traces them writes one."""

from __future__ import annotations

from typing import Any

import torch

from input_artifacts.making import Artifact, Maker, ids, ones, trace
from tsharness.exporting import torch_jit

WORDS = 500
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}


def tensors(outputs: Any) -> tuple[torch.Tensor, ...]:
    """Of what a network returns."""
    return tuple(value for value in outputs.to_tuple() if isinstance(value, torch.Tensor))


class Pixels(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tensors(self.model(pixel_values))


class Sound(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tensors(self.model(input_values))


class Named(torch.nn.Module):
    """Takes a dict, as a tokenizer gives it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return tensors(self.model(**inputs))


class Pairs(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        return tensors(self.model(input_ids, attention_mask, token_type_ids))


class Translation(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, decoder_input_ids: torch.Tensor) -> torch.Tensor:
        outputs = self.model(input_ids=input_ids, decoder_input_ids=decoder_input_ids, use_cache=False)
        return outputs[0]  # type: ignore[no-any-return]


class Page(torch.nn.Module):
    """Words with their boxes on a page of 1024 by 1024."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, bbox: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        return tensors(self.model(input_ids=input_ids, bbox=bbox, attention_mask=attention_mask))


class Captioned(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, pixel_values: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        outputs = self.model(input_ids, pixel_values, attention_mask)
        return outputs.logits_per_image, outputs.text_embeds, outputs.image_embeds


def distilbert() -> torch.jit.ScriptModule:
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(vocab_size=WORDS, dim=64, n_layers=2, n_heads=4, hidden_dim=96)
    example = {"input_ids": ids(WORDS, 2, 12), "attention_mask": ones(2, 12)}
    return trace(Named(DistilBertModel(config)), example)


def roberta() -> torch.jit.ScriptModule:
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(vocab_size=WORDS, max_position_embeddings=130, **SMALL)
    example = {"input_ids": ids(WORDS, 2, 12), "attention_mask": ones(2, 12)}
    return trace(Named(RobertaForSequenceClassification(config)), example)


def albert() -> torch.jit.ScriptModule:
    from transformers import AlbertConfig, AlbertModel

    model = AlbertModel(AlbertConfig(vocab_size=WORDS, embedding_size=32, **SMALL))
    return trace(Pairs(model), ids(WORDS, 2, 12), ones(2, 12), torch.zeros(2, 12, dtype=torch.long))


def electra() -> torch.jit.ScriptModule:
    from transformers import ElectraConfig, ElectraForTokenClassification

    model = ElectraForTokenClassification(ElectraConfig(vocab_size=WORDS, embedding_size=32, **SMALL))
    example = (ids(WORDS, 2, 12), ones(2, 12), torch.zeros(2, 12, dtype=torch.long))
    return torch_jit.freeze(trace(Pairs(model), *example), ["forward"])


def layoutlm() -> torch.jit.ScriptModule:
    from transformers import LayoutLMConfig, LayoutLMModel

    model = LayoutLMModel(LayoutLMConfig(vocab_size=WORDS, max_2d_position_embeddings=128, **SMALL))
    boxes = torch.tensor([3, 4, 60, 70]).expand(2, 12, 4).contiguous()
    return trace(Page(model), ids(WORDS, 2, 12), boxes, ones(2, 12))


def bart() -> torch.jit.ScriptModule:
    from transformers import BartConfig, BartModel

    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 96, "decoder_ffn_dim": 96}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    model = BartModel(BartConfig(vocab_size=WORDS, d_model=64, max_position_embeddings=64, **sizes, **heads))
    return trace(Translation(model), ids(WORDS, 2, 12), ids(WORDS, 2, 5))


def t5() -> torch.jit.ScriptModule:
    from transformers import T5Config, T5Model

    model = T5Model(T5Config(vocab_size=WORDS, d_model=64, d_kv=16, d_ff=96, num_layers=1, num_heads=4))
    return trace(Translation(model), ids(WORDS, 2, 12), ids(WORDS, 2, 5))


def llama() -> torch.jit.ScriptModule:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(vocab_size=WORDS, num_key_value_heads=2, use_cache=False, **SMALL))
    example = {"input_ids": ids(WORDS, 2, 12), "attention_mask": ones(2, 12)}
    return trace(Named(model), example)


def clip() -> torch.jit.ScriptModule:
    from transformers import CLIPConfig, CLIPModel

    text = {"vocab_size": WORDS, "max_position_embeddings": 32, **SMALL}
    vision = {"image_size": 64, "patch_size": 16, **SMALL}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=32))
    return trace(Captioned(model), ids(WORDS, 2, 12), torch.randn(2, 3, 64, 64), ones(2, 12))


def wav2vec2() -> torch.jit.ScriptModule:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    convolutions = {"conv_dim": (32, 32, 32), "conv_stride": (5, 4, 2), "conv_kernel": (10, 8, 4)}
    positions = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    model = Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=40, **convolutions, **positions, **SMALL))
    return trace(Sound(model), torch.randn(1, 4000))


def spectrogram() -> torch.jit.ScriptModule:
    from transformers import ASTConfig, ASTForAudioClassification

    model = ASTForAudioClassification(ASTConfig(max_length=128, num_mel_bins=64, **SMALL))
    return trace(Sound(model), torch.randn(1, 128, 64))


def segformer() -> torch.jit.ScriptModule:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    widths = {"hidden_sizes": [8, 16, 24, 32], "num_attention_heads": [1, 2, 3, 4], "depths": [1, 1, 1, 1]}
    model = SegformerForSemanticSegmentation(SegformerConfig(decoder_hidden_size=32, num_labels=5, **widths))
    return trace(Pixels(model), torch.randn(1, 3, 64, 64))


def swin() -> torch.jit.ScriptModule:
    from transformers import SwinConfig, SwinForImageClassification

    shape = {"image_size": 64, "patch_size": 4, "window_size": 4}
    widths = {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 2]}
    return trace(Pixels(SwinForImageClassification(SwinConfig(**shape, **widths))), torch.randn(1, 3, 64, 64))


def convnext() -> torch.jit.ScriptModule:
    from transformers import ConvNextConfig, ConvNextModel

    model = ConvNextModel(ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1]))
    return torch_jit.freeze(trace(Pixels(model), torch.randn(1, 3, 64, 64)), ["forward"])


def videomae() -> torch.jit.ScriptModule:
    from transformers import VideoMAEConfig, VideoMAEModel

    model = VideoMAEModel(VideoMAEConfig(image_size=32, patch_size=8, num_frames=4, tubelet_size=2, **SMALL))
    return trace(Pixels(model), torch.randn(1, 4, 3, 32, 32))


def patchtst() -> torch.jit.ScriptModule:
    from transformers import PatchTSTConfig, PatchTSTForPrediction

    sizes = {"context_length": 64, "prediction_length": 8, "patch_length": 8, "patch_stride": 8}
    widths = {"d_model": 16, "num_attention_heads": 2, "ffn_dim": 32, "num_hidden_layers": 1}
    model = PatchTSTForPrediction(PatchTSTConfig(num_input_channels=3, **sizes, **widths))
    return trace(Sound(model), torch.randn(2, 64, 3))


def _artifact(make: Maker, how: str = "traced") -> Artifact:
    return Artifact(make.__name__, "transformers", how, make)


ARTIFACTS = (
    *map(_artifact, (distilbert, roberta, albert, layoutlm, bart, t5, llama, clip)),
    *map(_artifact, (wav2vec2, spectrogram, segformer, swin, videomae, patchtst)),
    *(_artifact(make, "traced, frozen") for make in (electra, convnext)),
)
