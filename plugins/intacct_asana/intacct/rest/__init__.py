"""Intacct's REST API, for the one thing that the XML gateway cannot do: approve and decline a bill natively."""
