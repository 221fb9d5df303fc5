"""The command line: reads arguments, calls one thing, prints, exits."""
