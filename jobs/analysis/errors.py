"""How an analysis ends early."""


class AnalysisError(Exception):
    """The recording cannot be analysed; `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class EngineTrouble(AnalysisError):
    """The transcription engine did not answer; later it may."""


class AnalysisCanceled(Exception):
    """Somebody asked for the analysis to stop."""
