"""A stand-in for Intacct's REST API as far as a bill's approval needs it, over the books of the gateway's company.

What its refusals are numbered is not published, so every `errorId` beginning with SBX- is invented, and so are the statuses
403, 404 and 422 for what they stand for here. Settings are listed with the gateway's.
"""
