"""From messages that were heard to the settings that decode them."""
