"""Studies: declaration, statistics, claims, figures, report and publication. No torch, Lightning or MLflow."""
