"""Static reading of artifacts: nothing here imports torch, unpickles or executes anything."""
