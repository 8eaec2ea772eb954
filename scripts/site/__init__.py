"""The site of the documentation: settings of Sphinx and what they add to the pages."""
