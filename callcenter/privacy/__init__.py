"""Personal data: everything known of a person in one file, erasure, and how long things are kept."""
