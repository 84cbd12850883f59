"""On PYTHONPATH of a product that is to run at another time of day: sitecustomize.py."""
