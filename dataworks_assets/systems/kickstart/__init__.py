"""Kickstart: turns a partner's files in another AWS account into tables whose schema follows the source's."""
