"""Pages made from the docstrings: python -m frame_select_env.docs writes them beside this file."""
