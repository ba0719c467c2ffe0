"""`make eval`: how well calls are analysed, measured; the table goes into docs/analysis.md."""
