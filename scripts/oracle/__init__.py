"""Compares sizes, arguments and answers with the engine's own code.

`make oracle` creates a separate environment with the CPU build of vLLM and runs this package. Modules in the folder
`engine` run in that environment. The other modules run in the project's environment.
"""
