"""The fixtures of this folder."""

from rendered import models, rendered

__all__ = ["models", "rendered"]
