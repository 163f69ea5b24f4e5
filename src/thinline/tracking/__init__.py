"""Read and write MLflow. The only package that imports mlflow."""
