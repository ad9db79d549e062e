"""Planted defects, by what is wrong."""

from verdict_models.defects import calls, interfaces, layers, leaks, sizes, structures, subtle, values

DEFECTS = (
    *leaks.DEFECTS,
    *sizes.DEFECTS,
    *calls.DEFECTS,
    *values.DEFECTS,
    *layers.DEFECTS,
    *structures.DEFECTS,
    *interfaces.DEFECTS,
    *subtle.DEFECTS,
)
