"""Facts about models and architectures, instance types, container images, regions, prices, and the Hugging Face Hub."""
