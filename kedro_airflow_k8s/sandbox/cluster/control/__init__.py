"""What a control plane decides: when a claim is bound or goes, and which pod may start."""
