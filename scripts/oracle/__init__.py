"""The engine's own code as the reference for sizes, arguments and answers.

`make oracle` creates a separate environment with the CPU build of vLLM and runs this package. Modules in the folder
`engine` run in that environment. The other modules run in the project's environment.
"""
