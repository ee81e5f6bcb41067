"""Programs for children; each module has `main(channel, payload)`. Standard library only."""
