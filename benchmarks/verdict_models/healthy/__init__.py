"""Healthy models, by what they do."""

from verdict_models.healthy import rows, sequences, states, structures, values, vision

MODELS = (
    *vision.MODELS,
    *sequences.MODELS,
    *rows.MODELS,
    *states.MODELS,
    *values.MODELS,
    *structures.MODELS,
)
