"""What is in videos, looked at before anything is learned from them."""
