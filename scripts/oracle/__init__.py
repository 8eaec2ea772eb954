"""The engine's own code as the reference for sizes, arguments and answers.

`make oracle` makes an environment of its own with the CPU build of vLLM and runs this package. Modules in the folder
`engine` run there; the others run in the project's environment.
"""
