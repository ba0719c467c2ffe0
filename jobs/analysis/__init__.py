"""Call analysis, offline: decode, voice activity, speakers, transcript, tone, content, score.

Each stage is a module with typed results; `pipeline.analyse` runs them. Nothing here imports Django, and
the heavy libraries load in the worker only (models.py). docs/analysis.md explains the numbers.
"""
