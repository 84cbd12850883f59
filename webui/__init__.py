"""What a browser meets."""
