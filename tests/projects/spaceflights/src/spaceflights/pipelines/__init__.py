"""One package for each pipeline of the project."""
