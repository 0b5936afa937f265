"""Gathering texts for translators."""
