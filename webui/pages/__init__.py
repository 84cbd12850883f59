"""Pages: what a person sees, one file per subject."""
