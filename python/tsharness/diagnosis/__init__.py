"""Is it the model, or what stands around it? These modules import torch."""
