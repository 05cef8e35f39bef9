"""Kickstart: a partner's files across accounts become tables whose schema follows the source's."""
