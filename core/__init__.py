"""Fixby: every finding has a fix-by date."""
