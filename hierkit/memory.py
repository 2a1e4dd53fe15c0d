"""How much memory the machine has, and how much of it draws may take."""

import os

MOST_BYTES = 2e9  # of draws
SMALL_MEMORY = 8_000_000_000


def machine_memory() -> int | None:
    """Bytes; None where the system does not say."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def at_least_memory() -> int:
    """Bytes; those of a small machine where the system does not say."""
    return machine_memory() or SMALL_MEMORY
