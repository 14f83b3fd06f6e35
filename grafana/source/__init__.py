"""What the dashboards are built from: one file per dashboard, and what they share."""
