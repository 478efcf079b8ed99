"""What a board draws: predicted from its parts, and compared with what a profiler recorded."""
