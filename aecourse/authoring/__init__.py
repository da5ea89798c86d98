"""For authors: from the text sources in `authoring/` to the built notebooks and RESULTS.md."""
