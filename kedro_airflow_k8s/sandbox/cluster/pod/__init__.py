"""What becomes of a pod: its files, its processes, its log and its status."""
