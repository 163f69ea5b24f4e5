"""Everything that talks to MLflow. The only package that imports mlflow."""
