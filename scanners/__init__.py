"""One module per tool: how to run it and how to read its report."""
