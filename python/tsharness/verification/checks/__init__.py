"""The checks of ``verify``: what each proves, what it asks of the runner, and how it judges the answer."""
