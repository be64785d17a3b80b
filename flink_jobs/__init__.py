"""The jobs: each file's `main` reads settings, sources, pipeline, sinks."""
