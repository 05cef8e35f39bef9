"""The emulated EMR: a control plane that lives as EMR's clusters do, and nodes that run what is submitted for real.

moto's EMR has neither states nor fleets nor cancellation, and takes what AWS refuses; so the whole API that is used is here.
"""
