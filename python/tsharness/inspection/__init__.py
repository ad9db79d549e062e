"""What an artifact is, read from its bytes: nothing is executed, unpickled or imported."""
