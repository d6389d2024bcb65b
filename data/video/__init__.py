"""Reading video files: timeline, frames and sound."""
