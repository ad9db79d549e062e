"""The artifacts of benchmarks/inputs.py: what plain ``torch.jit`` makes, none with the example's shapes."""

from input_artifacts import example_models, medical_networks, services, transformer_networks
from input_artifacts.making import Artifact

ARTIFACTS: tuple[Artifact, ...] = (
    *example_models.ARTIFACTS,
    *transformer_networks.ARTIFACTS,
    *medical_networks.ARTIFACTS,
    *services.ARTIFACTS,
)
