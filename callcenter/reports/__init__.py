"""Reports over all capabilities: what supervisors decide by."""
