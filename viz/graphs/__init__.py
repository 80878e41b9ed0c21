"""What is drawn of models: their programs, module calls, backwards and dropout masks."""
