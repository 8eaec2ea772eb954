"""Configuration and extension of Sphinx for the documentation site."""
