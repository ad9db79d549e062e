"""Finding the C++ runner, starting it, and making sense of whatever it does."""
