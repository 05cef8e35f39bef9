"""Jobs on EMR: a cluster a run, or steps on a running one. What EMR itself does is not known here, only its API."""
