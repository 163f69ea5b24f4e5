"""From the description of a sheet to its image and truth: form, print, curves, and the wear of age and scanner."""
