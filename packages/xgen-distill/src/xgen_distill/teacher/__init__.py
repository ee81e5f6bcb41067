"""What a teacher is asked, and how its replies are read."""
