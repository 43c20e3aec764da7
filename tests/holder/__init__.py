"""The holder of the key, and replay, through whole engines."""
