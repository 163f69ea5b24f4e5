"""Many runs: Hydra's jobs and callback, the plan and its cost, the tables at the end."""
