"""What production is compared with: other ways to bring the same export to files, each as its users would write it."""
