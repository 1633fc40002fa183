"""The gateway's functions on objects: what they show, how they are asked, what they write."""
