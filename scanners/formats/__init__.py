"""Readers of reports that other tools wrote: one module a format."""
