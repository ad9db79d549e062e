"""The script that users write today: run the artifact in Python, compare with stored outputs."""

import sys

import torch

artifact, data = sys.argv[1:]
module = torch.jit.load(artifact)
cases = torch.load(data)
with torch.no_grad():
    for inputs, expected in cases:
        for _ in range(5):
            torch.testing.assert_close(module(inputs), expected)
