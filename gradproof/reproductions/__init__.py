"""Published experiments, a file each, found by being here: see `gradproof.reproduction`."""
