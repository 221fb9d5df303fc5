"""Secrets out of text, before it reaches a store, a log, a report or a screen."""
