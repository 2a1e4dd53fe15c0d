"""Data that a model makes, fitted again and again: what a design would show, and whether a sampler is right."""
