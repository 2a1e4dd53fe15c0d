"""What the compiled engines share."""

from hierkit.lazily import when_used

with when_used("arviz"):  # which imports matplotlib, and is for a conversion of draws that is done here
    import nutpie  # noqa: F401
