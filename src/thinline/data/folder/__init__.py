"""The user's own images and masks (`data_mix=folder`): pair, check, split and cut them into pieces."""
