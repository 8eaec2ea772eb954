"""Speed of one copy: times of kernels on an accelerator and of an engine's steps, and throughput in closed form. Makes
no AWS calls.
"""
