"""How each metric reacts when a truth is perturbed."""
