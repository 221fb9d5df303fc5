"""Text for people that needs no more than print."""

ID_LENGTH = 10
"""How much of an id is shown: enough to be unique among a million findings."""


def safe(text: str) -> str:
    """Text of a scanned repository without characters that steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
