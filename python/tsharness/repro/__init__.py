"""A small C++ project that runs one case of an artifact, without tsharness."""
