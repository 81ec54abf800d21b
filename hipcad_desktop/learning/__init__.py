"""Training: torch, timm and captum live here and nowhere else."""
