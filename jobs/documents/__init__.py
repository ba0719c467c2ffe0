"""Results of an analysed call as files: subtitles, and a report to read and print."""
