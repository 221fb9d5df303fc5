"""Lock files of package managers and bills of materials: which packages they name, in which version."""
