"""The user's own images and masks (`data_mix=folder`): found, paired, checked, split and cut."""
