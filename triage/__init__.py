"""Triage on a full screen: what is due first, why, and what is decided of it."""
