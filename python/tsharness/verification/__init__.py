"""``verify``: plan, run, judge. (Not named after the function, which ``tsharness.verify`` is.)"""
