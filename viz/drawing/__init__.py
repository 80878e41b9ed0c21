"""What draws any graph: the neutral `Picture`, layouts, writers, renderers, text and style."""
