"""How much memory the machine has, and how much of it draws may take."""

import os

MOST_BYTES = 2e9  # of draws


def machine_memory() -> int | None:
    """Bytes; None where the system does not say."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
