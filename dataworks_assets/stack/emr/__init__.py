"""The emulated EMR: a control plane whose clusters behave like EMR's, and nodes that really run what is submitted.

moto's EMR has neither states nor fleets nor cancellation, and accepts what AWS refuses; so all API operations in use are
implemented here.
"""
