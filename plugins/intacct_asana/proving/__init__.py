"""Asking a live company and workspace what nobody documents: each question by itself, and a report that names nobody.

A question knows what is asked, why that is not sure, and what this project does if the answer is another one. Reading is the
rule; what a question writes it writes onto records that it makes, and takes back.
"""
