"""Pictures as data: `chart` says what is shown, `picture` draws it into files, `interactive` for browsers."""
